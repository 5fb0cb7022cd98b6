package main

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/sink"
)

// What the quick start leads through.
const (
	quickStart    = repository + "/docs/quick-start.md"
	exampleConfig = repository + "/deploy/example/deskstream.yaml"
	exampleEvents = repository + "/deploy/example/events.ndjson"
)

func TestDocs_theQuickStartShowsTheExamplesConfiguration(t *testing.T) {
	t.Parallel()
	var shown []string
	for _, m := range fence.FindAllStringSubmatch(readFile(t, quickStart), -1) {
		if m[1] == "yaml config" {
			shown = append(shown, m[2])
		}
	}
	if diff := cmp.Diff([]string{readFile(t, exampleConfig)}, shown); diff != "" {
		t.Errorf("the quick start's configuration differs from %s (-file +page):\n%s", exampleConfig, diff)
	}
}

// The example shows people, so they have to be nobody.
func TestDocs_theExampleEventsAreOfNobodyReal(t *testing.T) {
	t.Parallel()
	addresses := regexp.MustCompile(`[\w.+-]+@[\w.-]+`).FindAllString(readFile(t, exampleEvents), -1)
	if len(addresses) < 3 {
		t.Errorf("only the addresses %q", addresses)
	}
	for _, address := range addresses {
		if !strings.HasSuffix(address, "@example.com") {
			t.Errorf("the address %s may be somebody's", address)
		}
	}
}

func TestDocs_theExampleEventsArePlannedWithoutADeath(t *testing.T) {
	t.Parallel()
	got := runWith(t.Context(), docsEnv, "", "plan", "-c", exampleConfig, "--offline", exampleEvents)
	got.want(t, exitOK, `"outcome":"planned"`, "")
	outcomes := exampleOutcomes(t, got)
	if lines := strings.Count(readFile(t, exampleEvents), "\n"); len(outcomes) != 2*lines {
		t.Errorf("%d outcomes of %d events at two destinations", len(outcomes), lines)
	}
	for _, o := range outcomes {
		if o.Error != nil || len(o.Warnings) > 0 {
			t.Errorf("event %s at %s: %+v, warnings %q", *o.Event.ID, o.Destination.Name, o.Error, o.Warnings)
		}
	}
}

// The first order becomes a ticket even when it is alone: who has placed it may be unknown.
func TestDocs_theFirstOrderOfTheExampleBecomesATicket(t *testing.T) {
	t.Parallel()
	var order string
	for line := range strings.Lines(readFile(t, exampleEvents)) {
		if order == "" && strings.Contains(line, `"event":"Order Completed"`) {
			order = line
		}
	}
	for name, events := range map[string]string{"alone": order, "in the file": readFile(t, exampleEvents)} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(stub.New(stub.Config{Seed: 1}, stubtrengo.New(nil), stubkustomer.New()))
			defer server.Close()
			config := strings.ReplaceAll(readFile(t, exampleConfig), "http://127.0.0.1:9500", server.URL)
			got := runWith(t.Context(), docsEnv, events, "deliver", "-c", writeFile(t, "c.yaml", config))
			got.want(t, exitOK, `"outcome":"delivered"`, "")
			tickets := slices.DeleteFunc(exampleOutcomes(t, got), func(o sink.Outcome) bool {
				return *o.Event.ID != "order-1" || o.Destination.Name != "support-inbox"
			})
			if len(tickets) != 1 || tickets[0].Outcome != sink.Delivered || tickets[0].IDs["ticket_id"] == "" {
				t.Errorf("the order order-1 gave %+v, want a ticket", tickets)
			}
		})
	}
}

func exampleOutcomes(t *testing.T, r result) []sink.Outcome {
	t.Helper()
	var outcomes []sink.Outcome
	for dec := json.NewDecoder(strings.NewReader(r.stdout)); dec.More(); {
		var o sink.Outcome
		if err := dec.Decode(&o); err != nil {
			t.Fatal(err)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}
