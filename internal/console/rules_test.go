package console

import (
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/status"
)

const ruled = `
kafka: {brokers: ["127.0.0.1:1"]}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: key-for-kustomer}
    rules:
      - {name: vip, match: {event: [Order Placed]}, ticket: {open: always, subject: "S"}}
      - {name: refund, match: {event: [Refund Asked]}, ticket: {open: always, subject: "S"}}
  - {name: plain, type: kustomer, kustomer: {api_key: key-for-kustomer}}
`

func TestRules_showHitsAndWhatNeverFired(t *testing.T) {
	f := &fakePipelines{rules: []status.Rule{
		{
			Destination: "crm", Rule: "vip", Delivered: 1200, Dead: 34, Last: time.Now().Add(-2 * time.Hour),
			Warnings: []status.Warning{{Kind: "the desk has no team of " + mail, Count: 7}},
		},
		{Destination: "crm", Rule: "earlier", Skipped: 1, Last: time.Now()},
	}}
	page := open(t, configtest.Parse(t, ruled), f).get("/rules")
	for _, want := range []string{"1\u202f234", "1\u202f200", "2h00m ago", "7 × the desk has no team of •••", "never fired", "no longer in the configuration", "destination=crm&amp;rule=vip"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "plain") || strings.Count(page, "never fired") != 1 || len(leaks(page)) > 0 {
		t.Errorf("the page has a destination without rules, or more rules that never fired, or leaks:\n%s", page)
	}
	if page := open(t, offline(t, ""), &fakePipelines{}).get("/rules"); !strings.Contains(page, "No destination has rules.") {
		t.Errorf("without rules:\n%s", page)
	}
}

func TestRules_sayThatHitsAreKnownToRunOnly(t *testing.T) {
	page := open(t, configtest.Parse(t, ruled), nil).get("/rules")
	if !strings.Contains(page, "runs no pipeline") || strings.Contains(page, "never fired") || !strings.Contains(page, "refund") {
		t.Errorf("without pipelines:\n%s", page)
	}
}
