//go:build browser

package browsertest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// orders is how many events the incident kills, and shoppers of how many users they are, each of whose
// are sent one after the other: an apply takes longer than it takes to stop it.
const (
	orders   = 48
	shoppers = 4
)

// TestIncident has letters appear at the page, finds their cause, plans, applies, stops the apply and
// goes on until no letter is open.
func TestIncident(t *testing.T) {
	w := newWorld(t, 150*time.Millisecond)
	w.outage("POST /tickets", http.StatusUnprocessableEntity)
	b := newTab(t, w.url)
	b.login(operator, "/letters")
	b.wantText("No letter is there")
	var events strings.Builder
	for i := range orders {
		fmt.Fprintf(&events, `{"type":"track","event":"Order Completed","messageId":"order-%d","userId":"user-%d","properties":{"order_id":%d},"context":{"traits":{"email":"shopper%[2]d@example.com"}}}`+"\n", i, i%shoppers, 7000+i)
	}
	w.produce(events.String())
	until(t, func() (string, bool) {
		b.show("/letters")
		return b.text(), strings.Contains(b.text(), fmt.Sprintf("%d letters: support-inbox rejected http_422", orders))
	})
	b.wantText("of 1 cause", fmt.Sprintf("%d open", orders), "To do:")
	w.outage("POST /tickets", 0)

	b.plan(orders, "the field is known again")
	b.wantText("Verdicts", "Sent then", "Would be sent now", "It died as rejected http_422")

	b.submit(`form[action$="/apply"]`, "reason", "the desk takes tickets again")
	// Once more than the canary is sent, and before the end.
	until(t, func() (string, bool) {
		b.show(b.here())
		done := evaluate[int](b, `document.querySelector("progress")?.value ?? 0`)
		return b.text(), done >= 1
	})
	b.follow("Stop this job")
	b.submit(`form[action$="/stop"]`, "reason", "to look at the first tickets")
	until(t, func() (string, bool) { b.show(b.here()); return b.text(), strings.Contains(b.text(), "stopped") })
	b.show("/letters")
	left := evaluate[string](b, `document.querySelector(".cause h2")?.innerText ?? ""`)
	if left == "" || strings.HasPrefix(left, fmt.Sprintf("%d letters", orders)) {
		t.Fatalf("the apply was not stopped midway: %q", left)
	}
	t.Logf("after the stop: %s", left)

	b.show("/plans")
	if status := b.visit(chromedp.Click(`main tbody a`)); status != http.StatusOK {
		t.Fatalf("the plan is answered with %d", status)
	}
	b.submit(`form[action$="/apply"]`, "reason", "they are right: the rest")
	b.untilDone()
	b.show("/letters")
	b.wantText("No letter is there")
	b.show("/letters?all=1")
	b.wantText(fmt.Sprintf("%d letters: support-inbox", orders))
	b.show("/actions")
	b.wantText("the field is known again", "the desk takes tickets again", "to look at the first tickets", "they are right: the rest", operator)
	if n := w.tickets(); n != orders {
		t.Errorf("the desk has %d tickets, want one of each of %d orders", n, orders)
	}
}

// plan makes a plan for so many letters of the largest cause, and shows it.
func (b *tab) plan(letters int, reason string) {
	b.t.Helper()
	b.follow("Plan to send these again")
	b.wantText(fmt.Sprintf("%d letters", letters))
	b.submit(`form[action="/letters/plan"]`, "reason", reason)
	b.untilDone()
	b.follow("Plan ")
}

// follow follows the page's first link with a text.
func (b *tab) follow(text string) {
	b.t.Helper()
	href := evaluate[string](b, fmt.Sprintf(`[...document.querySelectorAll("main a")].find(a => a.innerText.startsWith(%q))?.href ?? ""`, text))
	if href == "" {
		b.t.Fatalf("%s has no link %q:\n%s", b.here(), text, b.text())
	}
	b.show(href)
}

// untilDone waits for the end of the job that is shown.
func (b *tab) untilDone() {
	b.t.Helper()
	until(b.t, func() (string, bool) {
		b.show(b.here())
		state := evaluate[string](b, `document.querySelector("main .facts .state").innerText`)
		if state == "failed" || state == "stopped" {
			b.t.Fatalf("the job has ended:\n%s", b.text())
		}
		return b.text(), state == "done"
	})
}
