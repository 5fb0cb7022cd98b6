package wiring_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/internal/wiring"
)

func TestCheckNames_listsWhatTheDeskHasBesideWhatIsMissing(t *testing.T) {
	server := httptest.NewServer(stub.New(stub.Config{Seed: 1}, stubtrengo.New(nil)))
	t.Cleanup(server.Close)
	cfg := configtest.Parse(t, `
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-of-the-inbox, base_url: %q}
    rules:
      - name: failed
        contact: {fields: {Plan: x, Shoe: y}}
        ticket: {team: Biling, user: "{{ owner }}", labels: [billing, "4001", nothing], fields: {Invoice: x, Plan: y}}
      - {name: strict, ticket: {team: Sales, status: closed, result: Won}, on_missing: dead}
  - {name: plain, type: trengo, trengo: {api_token: token-of-the-inbox}}
  - {name: crm, type: kustomer, kustomer: {api_key: key-of-the-crm}}
`, server.URL+stubtrengo.Path)
	var got []string
	for _, d := range cfg.Destinations {
		for _, f := range wiring.CheckNames(t.Context(), cfg, d, slog.New(slog.DiscardHandler)) {
			state := map[bool]string{f.Failed: "failed", f.Warning: "warning"}[true]
			got = append(got, strings.TrimSpace(strings.Join([]string{f.What, f.Name, state, f.Text}, " ")))
		}
	}
	want := []string{
		`trengo inbox warning rule failed, contact.fields.Shoe: there is no field of contacts "Shoe"; there is "Plan"`,
		`trengo inbox warning rule failed, ticket.team: there is no team "Biling"; there is "Billing", "Support"`,
		`trengo inbox warning rule failed, ticket.labels[2]: there is no label "nothing"; there is "billing", "urgent", "vip"`,
		`trengo inbox failed rule strict, ticket.team: there is no team "Sales"; there is "Billing", "Support"`,
		`trengo inbox failed rule strict, ticket.result: there is no ticket result "Won"; there is "Paid", "Refunded"`,
		"trengo inbox  5 names in its rules found",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestCheckNames_aListThatCannotBeReadIsSaidOnce(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message":"token-of-the-inbox may not read teams"}`)
	}))
	t.Cleanup(server.Close)
	cfg := configtest.Parse(t, `
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-of-the-inbox, base_url: %q}
    rules: [{name: a, ticket: {team: A}}, {name: b, ticket: {team: B}}]
`, server.URL)
	got := wiring.CheckNames(t.Context(), cfg, cfg.Destinations[0], slog.New(slog.DiscardHandler))
	if len(got) != 1 || !got[0].Failed || !strings.HasPrefix(got[0].Text, "the list of each team, which rules name, cannot be read: ") || strings.Contains(got[0].Text, "token-of-the-inbox") {
		t.Errorf("findings: %+v", got)
	}
}
