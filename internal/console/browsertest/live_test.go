//go:build browser

package browsertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// shopper is an event that says who somebody is.
func shopper(id string) string {
	return fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":"user-1","traits":{"email":"shopper1@example.com","city":%[1]q}}`+"\n", id)
}

// rowsOf is how many rows of the live outcomes lead to an event.
func (b *tab) rowsOf(id string) int {
	b.t.Helper()
	return evaluate[int](b, fmt.Sprintf(`document.querySelectorAll("[data-rows] a[href*='%s']").length`, id))
}

// liveState is what the page says of its stream.
func (b *tab) liveState() string {
	b.t.Helper()
	return evaluate[string](b, `document.querySelector("[data-state]").textContent`)
}

// testLive sees outcomes come without a reload, and none while the page is paused.
func testLive(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.login(operator, "/outcomes?destination=crm")
	until(t, func() (string, bool) { s := b.liveState(); return s, s == "Live" })
	w.produce(shopper("seen-at-once"))
	until(t, func() (string, bool) { return b.text(), b.rowsOf("seen-at-once") == 1 })
	if text := b.text(); strings.Contains(text, "user-1") || strings.Contains(text, "shopper1@") {
		t.Errorf("rows that come later are not masked:\n%s", text)
	}
	if n := evaluate[int](b, `[...document.querySelectorAll("[data-rows] tr")].filter(r => r.children[1].textContent != "crm").length`); n > 0 {
		t.Errorf("%d rows are of another destination than the filter's", n)
	}
	b.run(chromedp.Click("[data-pause]"))
	until(t, func() (string, bool) { s := b.liveState(); return s, s == "Paused" })
	w.produce(shopper("seen-later"))
	other := newTab(t, w.url)
	other.login(viewer, "/outcomes")
	until(t, func() (string, bool) { return other.text(), other.rowsOf("seen-later") == 2 })
	if n := b.rowsOf("seen-later"); n > 0 {
		t.Errorf("%d rows have come to a page that is paused", n)
	}
	b.run(chromedp.Click("[data-pause]"))
	until(t, func() (string, bool) { s := b.liveState(); return s, s == "Live" })
	w.produce(shopper("seen-after-it"))
	until(t, func() (string, bool) { return b.text(), b.rowsOf("seen-after-it") == 1 })
	if n := b.rowsOf("seen-later"); n == 0 {
		b.wantText("What came while the page was paused is not shown")
	}
}
