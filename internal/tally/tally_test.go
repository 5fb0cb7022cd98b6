package tally_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/tally"
	"github.com/deskstream/deskstream/mapping"
)

// world is what a run left behind: four events of two users at one destination. The
// first two are of one lane; the third was sent twice as an answer was lost; the
// fourth is dead.
type world struct {
	events, outcomes, letters []*kgo.Record
	calls                     []stub.Call
}

const baseURL = "http://127.0.0.1:9500/kustomer"

func event(offset int64, user string) *kgo.Record {
	value := fmt.Sprintf(`{"type":"track","userId":%q,"properties":{"eventNo":%q}}`, user, sample.Mark(int(offset)))
	return &kgo.Record{Topic: "events", Offset: offset, Value: []byte(value)}
}

// outcome is the outcome of an event that took so many attempts of one call.
func outcome(offset int64, attempts int, rest string) *kgo.Record {
	value := fmt.Sprintf(`{"event":{"type":"track"},"destination":{"name":"crm"},"source":{"topic":"events","partition":0,"offset":%d},
		"calls":[{"method":"POST","url":"%s/v1/tracking/identityEvent","attempts":%d}],%s}`, offset, baseURL, attempts, rest)
	return &kgo.Record{Topic: "responses", Offset: offset, Value: []byte(value)}
}

func write(offset int64, status int, fault stub.Fault) stub.Call {
	return stub.Call{
		Op: "POST /v1/tracking/identityEvent", Method: "POST", Path: "/v1/tracking/identityEvent",
		Status: status, Fault: fault, Mark: sample.Mark(int(offset)),
	}
}

func letter(id string) *kgo.Record {
	return &kgo.Record{Topic: "dlq", Headers: []kgo.RecordHeader{{Key: "dlq.id", Value: []byte(id)}}}
}

const (
	delivered = `"outcome":"delivered"`
	rejected  = `"outcome":"dead","dlq_id":"letter-1","error":{"class":"rejected","code":"http_400"}`
)

func byUser() *mapping.Reader {
	r, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId"}})
	if err != nil {
		panic(err)
	}
	return r
}

func newWorld() world {
	return world{
		events:   []*kgo.Record{event(0, "ada"), event(1, "ada"), event(2, "bob"), event(3, "bob")},
		outcomes: []*kgo.Record{outcome(0, 1, delivered), outcome(1, 1, delivered), outcome(2, 2, delivered), outcome(3, 1, rejected)},
		letters:  []*kgo.Record{letter("letter-1")},
		calls: []stub.Call{
			write(0, 201, stub.Honest), write(2, 0, stub.Lost), write(1, 201, stub.Honest),
			write(2, 201, stub.Honest), write(3, 400, stub.Honest),
		},
	}
}

func (w world) report() tally.Report {
	b := tally.NewBook(byUser(), tally.Destination{Name: "crm", Type: "kustomer", BaseURL: baseURL})
	for _, r := range w.outcomes {
		b.Outcome(r)
	}
	for _, r := range w.letters {
		b.Letter(r)
	}
	for _, r := range w.events {
		b.Event(r)
	}
	return b.Report(map[string][]stub.Call{"kustomer": w.calls})
}

func TestReport_addsUp(t *testing.T) {
	got := newWorld().report()
	want := tally.Report{Destinations: []tally.Account{{
		Destination: tally.Destination{Name: "crm", Type: "kustomer", BaseURL: baseURL},
		Events:      4, Letters: 1, Repeated: 1,
		Became: map[string]int{"delivered": 3, "dead rejected/http_400": 1},
		Calls:  map[string]map[string]int{"POST /v1/tracking/identityEvent": {"201": 3, "400": 1, "lost": 1}},
		Kinds:  map[string]tally.Kind{"track": {Events: 4, Calls: 5}},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var text strings.Builder
	if err := got.Write(&text); err != nil || !strings.Contains(text.String(), "It adds up") {
		t.Errorf("the table is\n%s (%v)", text.String(), err)
	}
}

func TestReport_findsWhatDoesNotAddUp(t *testing.T) {
	for _, c := range []struct {
		name   string
		breakW func(*world)
		want   string
	}{
		{"outcome missing", func(w *world) { w.outcomes, w.calls = w.outcomes[1:], w.calls[1:] }, "crm: events without an outcome: 1, the first of events/0/0"},
		{"outcome twice", func(w *world) { w.outcomes = append(w.outcomes, outcome(0, 0, delivered)) }, "crm: events with several outcomes: 1"},
		{"event missing", func(w *world) { w.events = w.events[:3] }, "crm: outcomes of no event: 1, the first of events/0/3"},
		{"letter missing", func(w *world) { w.letters = nil }, "crm: dead letters that an outcome names and that are not there: 1"},
		{"letter of nobody", func(w *world) { w.letters = append(w.letters, letter("letter-2")) }, "dead letters that no outcome names: 1"},
		{"dead without letter", func(w *world) {
			w.outcomes[3], w.letters = outcome(3, 1, `"outcome":"dead","error":{"class":"rejected","code":"http_400"}`), nil
		}, "crm: letters that 1 dead events name: 0"},
		{"call that no outcome lists", func(w *world) {
			w.calls = append(w.calls, stub.Call{Method: "PUT", Path: "/v1/customers/1", Status: 404})
		}, "crm: calls at the help desk that no outcome lists: 1"},
		{"call that did not arrive", func(w *world) { w.calls = w.calls[:4] }, "crm: calls that an outcome lists and that did not arrive: 1"},
		{"answered write made again", func(w *world) {
			w.outcomes[0] = outcome(0, 2, delivered)
			w.calls = slices.Insert(w.calls, 1, write(0, 201, stub.Honest))
		}, "crm: writes made again although they had been answered: 1"},
		{"later event first", func(w *world) { w.calls[0], w.calls[2] = w.calls[2], w.calls[0] }, "crm: writes that came after one of a later event of their lane: 1"},
		{"write for an event that is not there", func(w *world) { w.calls[0].Mark = sample.Mark(77) }, "crm: writes for an event that is not on the source topic: 1"},
		{"two events with one mark", func(w *world) {
			w.events[3] = &kgo.Record{Topic: "events", Offset: 3, Value: event(2, "bob").Value}
		}, "events that have the same mark as another: 1"},
		{"foreign record", func(w *world) { w.outcomes = append(w.outcomes, &kgo.Record{Value: []byte("x")}) }, "records on the responses topic that are no outcome of a destination: 1"},
	} {
		w := newWorld()
		c.breakW(&w)
		r := w.report()
		if r.OK() || !strings.Contains(strings.Join(r.Faults, "\n"), c.want) {
			t.Errorf("%s: the faults are %q, want %q", c.name, r.Faults, c.want)
		}
		var text strings.Builder
		if err := r.Write(&text); err != nil || !strings.Contains(text.String(), "It does NOT add up") {
			t.Errorf("%s: the table is\n%s (%v)", c.name, text.String(), err)
		}
	}
}

func TestReport_answerThatNobodyWaitedForExcusesARepeat(t *testing.T) {
	w := newWorld()
	w.outcomes[0] = outcome(0, 2, delivered)
	first := write(0, 201, stub.Honest)
	first.ClosedEarly = true
	w.calls = slices.Insert(w.calls, 0, first)
	r := w.report()
	if !r.OK() || r.Destinations[0].Repeated != 2 || r.Destinations[0].Duplicates != 0 {
		t.Errorf("got %+v with the faults %q, want two excused repeats", r.Destinations[0], r.Faults)
	}
}

func TestReport_lookupThatNetHTTPRepeatedIsNoFault(t *testing.T) {
	w := newWorld()
	lookup := stub.Call{Method: "GET", Path: "/v1/customers/email=a@example.com", Query: "x=1", Status: 404}
	dropped := lookup
	dropped.Status, dropped.Fault = 0, stub.Cut
	w.calls = append(w.calls, dropped, lookup)
	value := strings.Replace(string(w.outcomes[0].Value), `"calls":[`,
		`"calls":[{"method":"GET","url":"`+baseURL+`/v1/customers/email=a@example.com?x=1","attempts":1},`, 1)
	w.outcomes[0] = &kgo.Record{Topic: "responses", Value: []byte(value)}
	if r := w.report(); !r.OK() {
		t.Errorf("the faults are %q", r.Faults)
	}
}

func TestBook_callsOfAnEarlierRunAreNotExpected(t *testing.T) {
	b := tally.NewBook(byUser(), tally.Destination{Name: "crm", Type: "kustomer", BaseURL: baseURL})
	b.Event(event(0, "ada"))
	b.EarlierOutcome(outcome(0, 1, delivered))
	if r := b.Report(nil); !r.OK() {
		t.Errorf("the faults are %q", r.Faults)
	}
}

func TestBook_progressCountsPerDestination(t *testing.T) {
	crm := tally.Destination{Name: "crm", Type: "kustomer"}
	inbox := tally.Destination{Name: "inbox", Type: "trengo"}
	b := tally.NewBook(mapping.PlainReader, crm, inbox)
	b.Event(event(0, "ada"))
	b.Event(event(1, "ada"))
	b.Outcome(outcome(0, 1, `"outcome":"skipped","reason":"filtered"`))
	want := []tally.Progress{
		{Destination: crm, Events: 2, Settled: 1, Became: map[string]int{"skipped": 1}},
		{Destination: inbox, Events: 2, Became: map[string]int{}},
	}
	if diff := cmp.Diff(want, b.Progress()); diff != "" {
		t.Error(diff)
	}
}

// ExampleReport_Write shows what people see.
func ExampleReport_Write() {
	var text strings.Builder
	if err := newWorld().report().Write(&text); err != nil {
		fmt.Println(err)
	}
	for line := range strings.Lines(text.String()) {
		fmt.Println(strings.TrimRight(line, " \n"))
	}
	// Output:
	// crm (kustomer)
	//   events in                        4
	//   dead rejected/http_400           1
	//   delivered                        3
	//   outcomes                         4
	//   dead letters                     1
	//   POST /v1/tracking/identityEvent  5     (3 x 201, 1 x 400, 1 x lost)
	//   calls per track                  1.25  (5 calls of 4 events)
	//   repeated after a lost answer     1
	//   duplicates                       0
	//   out of order                     0
	//   writes that show no event        0
	//
	// It adds up: every event is accounted for at every destination.
}
