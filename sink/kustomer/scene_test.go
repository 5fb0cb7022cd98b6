package kustomer_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/kustomer"
)

const (
	byID   = "GET /v1/customers/c-1"
	update = "PUT /v1/customers/c-1"
)

// scene is what some events do to a scripted desk.
type scene struct {
	mode   mapper.ListMode
	script map[string][]answer
	// events are sent one after another.
	events []string
	// lookups are all calls that read, writes all that write, with their bodies.
	lookups, writes []string
	// warnings are texts of which each stands in one warning of the last event.
	warnings []string
	// end is how the last event ends: "" delivered, "skipped", or the failure's words.
	end string
}

func (s scene) play(t *testing.T) {
	t.Helper()
	d := &desk{script: s.script}
	c := kustomer.New(newIDs())
	var receipt sink.Receipt
	var err error
	for _, event := range s.events {
		receipt, err = c.Send(t.Context(), d, mapped(t, event, mapper.Config{Lists: s.mode}))
	}
	var lookups []string
	for _, call := range d.calls {
		if strings.HasPrefix(call, "GET ") {
			lookups = append(lookups, strings.Replace(call, "/v1/customers/", "", 1))
		}
	}
	var writes []string
	for _, body := range d.bodies {
		writes = append(writes, strings.Replace(body, "/v1/customers/", "", 1))
	}
	if diff := cmp.Diff(s.lookups, lookups); diff != "" {
		t.Errorf("lookups (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.writes, writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if len(receipt.Warnings) != len(s.warnings) {
		t.Errorf("warnings %q, want %q", receipt.Warnings, s.warnings)
	}
	for _, want := range s.warnings {
		wantOne(t, receipt.Warnings, want)
	}
	if end := ending(err); end != s.end {
		t.Errorf("the event ended as %q, want %q: %v", end, s.end, err)
	}
}

func wantOne(t *testing.T, warnings []string, text string) {
	t.Helper()
	n := 0
	for _, w := range warnings {
		if strings.Contains(w, text) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("warnings %q, want one with %q", warnings, text)
	}
}

func ending(err error) string {
	if f, ok := errors.AsType[*sink.Failure](err); ok {
		return string(f.Stage) + " " + string(f.Class) + " " + string(f.Code)
	}
	if errors.Is(err, mapping.NothingToUpdate) {
		return "skipped"
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// who is a lookup's answer with the customer c-1, or another one, and its attributes.
func who(id, attributes string) answer {
	return answer{http.StatusOK, `{"data":{"type":"customer","id":"` + id + `","attributes":` + attributes + `}}`}
}

// linked is who with a company.
func linked(id, attributes, company string) answer {
	return answer{http.StatusOK, `{"data":{"type":"customer","id":"` + id + `","attributes":` + attributes +
		`,"relationships":{"company":{"data":{"type":"company","id":"` + company + `"}}}}}`}
}

// traits is an identify of u1.
func traits(of string) string { return `{"type":"identify","userId":"u1","traits":{` + of + `}}` }

// named is an identify of u1 that names the customer c-1.
func named(of string) string {
	return `{"type":"identify","userId":"u1","traits":{` + of + `},"context":{"externalId":[{"type":"kustomerId","id":"c-1"}]}}`
}

func plays(t *testing.T, scenes map[string]scene) {
	t.Helper()
	for name, s := range scenes {
		t.Run(name, s.play)
	}
}
