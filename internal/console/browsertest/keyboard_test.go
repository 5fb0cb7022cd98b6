//go:build browser

package browsertest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focused describes what has the focus.
type focused struct {
	Tag, Text, Name string
	// Place is its position among the elements of the page.
	Place int
	// Seen reports whether it is in view, and Marked whether an outline shows that it has the focus.
	Seen, Marked bool
}

const focus = `(() => {
	const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e)
	return {
		Tag: e.tagName, Text: (e.innerText || e.value || "").trim(), Name: e.name || "",
		Place: [...document.querySelectorAll("*")].indexOf(e),
		Seen: box.width > 0 && box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight,
		Marked: style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2,
	}
})()`

// tabTo presses Tab until something has the focus that begins with a text, or has the name. Whatever
// has it before is seen and marked, and comes in the order of the page.
func (b *tab) tabTo(want string) {
	b.t.Helper()
	place := evaluate[focused](b, focus).Place
	for range 100 {
		b.press(kb.Tab)
		f := evaluate[focused](b, focus)
		if f.Tag == "BODY" {
			b.t.Fatalf("%s: Tab does not come to %q", b.here(), want)
		}
		if !f.Seen || !f.Marked {
			b.t.Errorf("%s: the focus is on %+v, which nobody sees", b.here(), f)
		}
		if f.Place < place {
			b.t.Errorf("%s: the focus goes back to %+v", b.here(), f)
		}
		place = f.Place
		if strings.HasPrefix(f.Text, want) || f.Name == want {
			return
		}
	}
	b.t.Fatalf("%s: 100 times Tab do not come to %q", b.here(), want)
}

// testKeyboard logs in, and puts a destination on hold and resumes it, without a mouse.
func testKeyboard(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.show("/login")
	if f := evaluate[focused](b, focus); f.Name != "name" {
		t.Errorf("the login begins at %+v", f)
	}
	b.press(operator + kb.Tab + password)
	if status := b.pressToLeave(); status != http.StatusOK {
		t.Fatalf("the login is answered with %d", status)
	}
	for _, turn := range []struct{ verb, state string }{{"Hold", "on hold"}, {"Resume", "runs"}} {
		b.tabTo("Skip to the content")
		b.press(kb.Enter)
		if f := evaluate[focused](b, focus); f.Tag != "MAIN" {
			t.Errorf("the link to the content leads to %+v", f)
		}
		b.tabTo(turn.verb + " crm")
		b.press(kb.Enter)
		b.tabTo("reason")
		b.press("the keyboard works")
		if status := b.pressToLeave(); status != http.StatusOK {
			t.Fatalf("%s is answered with %d:\n%s", turn.verb, status, b.text())
		}
		until(t, func() (string, bool) {
			b.show("/")
			text := evaluate[string](b, `document.querySelector("section[aria-labelledby=d-crm] h2").innerText`)
			return text, strings.HasSuffix(text, turn.state)
		})
	}
	b.show("/actions")
	b.wantText("hold", "resume", operator, "the keyboard works")
}

// testHold puts a destination on hold by mouse, and sees that it waits.
func testHold(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.login(operator, "/")
	b.run(chromedp.Click(`section[aria-labelledby=d-crm] summary`))
	form := `form[action="/destination/crm/hold"]`
	if valid := evaluate[bool](b, `document.querySelector('`+form+` [name=reason]').checkValidity()`); valid {
		t.Error("a hold needs no reason")
	}
	b.submit(form, "reason", "the desk is moved")
	until(t, func() (string, bool) { b.show("/"); return b.text(), strings.Contains(b.text(), "on hold") })
	b.wantText("To do:")
	w.produce(`{"type":"identify","messageId":"during-the-hold","userId":"user-1","traits":{"email":"shopper1@example.com","city":"Utrecht"}}` + "\n")
	until(t, func() (string, bool) {
		b.show("/lanes")
		return b.text(), strings.Contains(b.text(), "1 lane ") && strings.Contains(b.text(), "crm")
	})
	b.show("/")
	b.run(chromedp.Click(`section[aria-labelledby=d-crm] summary`))
	b.submit(`form[action="/destination/crm/resume"]`, "reason", "it is back")
	until(t, func() (string, bool) {
		b.show("/event?id=during-the-hold")
		return b.text(), strings.Contains(b.text(), "crm: delivered")
	})
	b.show("/actions")
	b.wantText("the desk is moved", "it is back", operator)
}
