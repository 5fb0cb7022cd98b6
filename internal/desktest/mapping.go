package desktest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

func mappingLaws() []law {
	return []law{
		{"mapping: an event plans at least one write", plansAWrite},
		{"mapping: the same event gives the same calls", isDeterministic},
		{"mapping: the order of keys makes no difference", ignoresTheOrderOfKeys},
		{"mapping: unknown members make no difference", ignoresUnknownMembers},
		{"mapping: an event without a type is invalid", refusesAnEventWithoutAType},
		{"mapping: an event of an unknown type is skipped", skipsAnUnknownType},
		{"mapping: a call on a source topic is skipped", skipsACallAsAnEvent},
		{"mapping: odd values neither panic nor turn into text", survivesOddValues},
	}
}

// planned is what a planned outcome says of its calls.
type planned struct{ Method, URL, Body string }

func callsOf(o sink.Outcome) []planned {
	var calls []planned
	for _, c := range o.Calls {
		p := planned{Method: c.Method, URL: c.URL}
		if !c.Request.IsZero() {
			p.Body = c.Request.String()
		}
		calls = append(calls, p)
	}
	return calls
}

// eachEvent runs a test with each of the desk's events.
func eachEvent(t *testing.T, d Desk, test func(t *testing.T, w *world, event string)) {
	for name, event := range d.Events {
		t.Run(name, func(t *testing.T) { test(t, newWorld(t, d, nil), event) })
	}
}

func plansAWrite(t *testing.T, d Desk) {
	eachEvent(t, d, func(t *testing.T, w *world, event string) {
		calls := callsOf(w.plan(t, event))
		if !slices.ContainsFunc(calls, func(c planned) bool { return c.Method != http.MethodGet }) {
			t.Errorf("the plan has no write: %+v", calls)
		}
		for _, c := range calls {
			if u, err := url.Parse(c.URL); err != nil || !strings.HasPrefix(c.URL, w.url) || strings.Contains(u.Path, "/../") {
				t.Errorf("the URL %s is not below %s", c.URL, w.url)
			}
			if c.Body != "" {
				if _, err := mapping.ParseJSON([]byte(c.Body)); err != nil {
					t.Errorf("the body %s is no JSON: %v", c.Body, err)
				}
			}
		}
	})
}

func isDeterministic(t *testing.T, d Desk) {
	eachEvent(t, d, func(t *testing.T, w *world, event string) {
		if diff := cmp.Diff(callsOf(w.plan(t, event)), callsOf(w.plan(t, event))); diff != "" {
			t.Errorf("the second plan differs (-first +second):\n%s", diff)
		}
	})
}

func ignoresTheOrderOfKeys(t *testing.T, d Desk) {
	eachEvent(t, d, func(t *testing.T, w *world, event string) {
		turned := rearranged(parse(t, event), slices.Reverse).JSON()
		// What a desk takes as it is may keep the order, so bodies are compared without it.
		if diff := cmp.Diff(inOneOrder(t, callsOf(w.plan(t, event))), inOneOrder(t, callsOf(w.plan(t, turned)))); diff != "" {
			t.Errorf("%s gives other calls than %s (-event +reversed):\n%s", turned, event, diff)
		}
	})
}

func ignoresUnknownMembers(t *testing.T, d Desk) {
	eachEvent(t, d, func(t *testing.T, w *world, event string) {
		more := strings.TrimSuffix(event, "}") + `,"zz_unknown":{"a":[1,{"b":null}]}}`
		if diff := cmp.Diff(callsOf(w.plan(t, event)), callsOf(w.plan(t, more))); diff != "" {
			t.Errorf("an unknown member changes the calls (-without +with):\n%s", diff)
		}
	})
}

func refusesAnEventWithoutAType(t *testing.T, d Desk) {
	w := newWorld(t, d, nil)
	for event, want := range map[string]mapping.Code{
		`{"userId":"u"}`: mapping.MissingType, `{"type":7,"userId":"u"}`: mapping.WrongType, `{"type":" ","userId":"u"}`: mapping.MissingType,
	} {
		if o := w.plan(t, event); o.Error == nil || o.Error.Code != want || o.Error.Class != sink.Invalid {
			t.Errorf("%s: error %+v, want invalid %s", event, o.Error, want)
		}
	}
}

func skipsAnUnknownType(t *testing.T, d Desk) {
	w := newWorld(t, d, nil)
	o := w.plan(t, `{"type":"zz_unknown","userId":"u","messageId":"m"}`)
	if o.Reason == nil || *o.Reason != mapping.TypeNotTaken {
		t.Errorf("outcome %s, error %+v, want it skipped as %s", o.Outcome, o.Error, mapping.TypeNotTaken)
	}
}

func skipsACallAsAnEvent(t *testing.T, d Desk) {
	w := newWorld(t, d, nil)
	o := w.plan(t, `{"type":"call","destination":"desk","method":"DELETE","path":"/things/7","userId":"u","messageId":"m"}`)
	if o.Reason == nil || *o.Reason != mapping.TypeNotTaken || len(o.Calls) > 0 {
		t.Errorf("outcome %s, %d calls, error %+v, want it skipped as %s", o.Outcome, len(o.Calls), o.Error, mapping.TypeNotTaken)
	}
}

// oddValues are put in place of each value of an event.
var oddValues = []string{
	"null", "true", "0", "-1", "1e400", "[]", "{}", `""`, `" "`, `"[object Object]"`, `[[["deep"]]]`, `{"a":{"b":{}}}`, `"\u0000"`, `"line\r\nline"`,
}

func survivesOddValues(t *testing.T, d Desk) {
	eachEvent(t, d, func(t *testing.T, w *world, event string) {
		tried := 0
		for _, odd := range oddValues {
			for _, changed := range withEachValue(parse(t, event), parse(t, odd)) {
				tried++
				o := w.plan(t, changed.JSON())
				if o.Error != nil && o.Error.Code == sink.Panic {
					t.Errorf("%s: panic", changed.JSON())
				}
				for _, c := range callsOf(o) {
					for _, text := range []string{"map[", "%!", "<nil>"} {
						if strings.Contains(c.URL+c.Body, text) {
							t.Errorf("%s: %q stands in %+v", changed.JSON(), text, c)
						}
					}
				}
			}
		}
		if tried < len(oddValues) {
			t.Errorf("only %d events were tried", tried)
		}
	})
}

func parse(t *testing.T, text string) mapping.Value {
	t.Helper()
	v, err := mapping.ParseJSON([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// rearranged has the members of each object arranged.
func rearranged(v mapping.Value, arrange func([]mapping.Member)) mapping.Value {
	if v.Kind() != mapping.Object && v.Kind() != mapping.Array {
		return v
	}
	members := slices.Clone(v.Members())
	for i := range members {
		members[i].Value = rearranged(members[i].Value, arrange)
	}
	if v.Kind() == mapping.Object {
		arrange(members)
	}
	return v.With(members)
}

func byName(members []mapping.Member) {
	slices.SortFunc(members, func(a, b mapping.Member) int { return strings.Compare(a.Name, b.Name) })
}

func inOneOrder(t *testing.T, calls []planned) []planned {
	t.Helper()
	for i, c := range calls {
		if c.Body != "" {
			calls[i].Body = rearranged(parse(t, c.Body), byName).JSON()
		}
	}
	return calls
}

// withEachValue are copies of v, each with another one of its values replaced.
func withEachValue(v, by mapping.Value) []mapping.Value {
	var changed []mapping.Value
	for i, m := range v.Members() {
		with := func(value mapping.Value) mapping.Value {
			members := slices.Clone(v.Members())
			members[i].Value = value
			return v.With(members)
		}
		changed = append(changed, with(by))
		for _, inner := range withEachValue(m.Value, by) {
			changed = append(changed, with(inner))
		}
	}
	return changed
}
