package testfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/sink"
)

// result is what a plan says of an event at a destination, in the words of a file.
type result struct {
	Expectation

	message string // of the error
	name    string // of the event
}

// resultOf is a result of the event with a number.
func resultOf(o *sink.Outcome, number int, base string) result {
	r := result{Expectation: Expectation{Event: number, Destination: o.Destination.Name, Outcome: string(o.Outcome), Rule: &o.Rule, Warnings: o.Warnings}}
	r.Calls, r.Lookups = callsOf(o, base)
	for _, s := range o.Steps {
		r.Steps = append(r.Steps, s.Name+" "+string(s.State))
	}
	if o.Reason != nil {
		r.Reason = string(*o.Reason)
	}
	if o.Error != nil {
		r.Code, r.message = string(o.Error.Code), o.Error.Message
	}
	for _, text := range []*string{o.Event.Type, o.Event.Name} {
		if text != nil {
			r.name = strings.TrimSpace(r.name + " " + *text)
		}
	}
	return r
}

// compare returns a line for each difference between what is wanted and what comes.
func (r *result) compare(want *Expectation) []string {
	var d differences
	if want.Outcome != "" && want.Outcome != r.Outcome {
		d.add("outcome: want %s, got %s%s", want.Outcome, r.Outcome, r.why())
	}
	if want.Reason != "" && want.Reason != r.Reason {
		d.add("reason: want %s, got %s%s", want.Reason, r.Outcome, r.why())
	}
	if want.Code != "" && want.Code != r.Code {
		d.add("code: want %s, got %s%s", want.Code, r.Outcome, r.why())
	}
	if want.Rule != nil && *want.Rule != *r.Rule {
		d.add("rule: want %s, got %s", orNone(*want.Rule), orNone(*r.Rule))
	}
	if want.Calls != nil {
		d.calls(want.Calls, r.Calls)
	}
	if want.Lookups != nil && !slices.EqualFunc(want.Lookups, r.Lookups, samePath) {
		d.lists("lookups", want.Lookups, r.Lookups)
	}
	if want.Steps != nil && !slices.Equal(want.Steps, r.Steps) {
		d.lists("steps", want.Steps, r.Steps)
	}
	if want.Warnings != nil {
		contains := func(want, got string) bool { return strings.Contains(got, want) }
		if !slices.EqualFunc(want.Warnings, r.Warnings, contains) {
			d.lists("warnings", want.Warnings, r.Warnings)
		}
	}
	return d
}

// why says what made an outcome what it is.
func (r *result) why() string {
	switch {
	case r.Code != "":
		return " (" + r.Code + ": " + r.message + ")"
	case r.Reason != "":
		return " (" + r.Reason + ")"
	}
	return ""
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// differences are lines for people.
type differences []string

func (d *differences) add(format string, args ...any) { *d = append(*d, fmt.Sprintf(format, args...)) }

// lists adds two lists that differ.
func (d *differences) lists(what string, want, got []string) {
	d.add("%s:", what)
	for _, line := range want {
		d.add("  want  %s", line)
	}
	for _, line := range got {
		d.add("  got   %s", line)
	}
	if len(got) == 0 {
		d.add("  got   none")
	}
}

// calls compares the writes of an event, which are in order.
func (d *differences) calls(want, got []Call) {
	same := func(w, g Call) bool { return strings.EqualFold(w.Method, g.Method) && samePath(w.Path, g.Path) }
	if !slices.EqualFunc(want, got, same) {
		texts := func(calls []Call) (list []string) {
			for _, c := range calls {
				list = append(list, c.text())
			}
			return list
		}
		d.lists("calls", texts(want), texts(got))
		return
	}
	for i, w := range want {
		if w.Body == nil {
			continue
		}
		d.body(fmt.Sprintf("call %d (%s) body", i+1, w.text()), decode(w.Body), decode(got[i].Body), w.Exact)
	}
}

// decode reads JSON that is known to be some.
func decode(text Value) (value any) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	_ = decoder.Decode(&value) // nil for no text
	return value
}

// body compares values: of an object the members that are wanted, all with exact.
func (d *differences) body(at string, want, got any, exact bool) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for _, name := range sortedKeys(w) {
			value, there := g[name]
			if !there {
				d.add("%s: %s is missing, want %s", at, name, jsonText(w[name]))
				continue
			}
			d.body(at+"."+name, w[name], value, exact)
		}
		for _, name := range sortedKeys(g) {
			if _, wanted := w[name]; exact && !wanted {
				d.add("%s: %s is not expected, got %s", at, name, jsonText(g[name]))
			}
		}
		return
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		for i := range w {
			d.body(at+"["+strconv.Itoa(i)+"]", w[i], g[i], exact)
		}
		return
	case json.Number:
		g, ok := got.(json.Number)
		if ok && sameNumber(w, g) {
			return
		}
	default:
		if want == got {
			return
		}
	}
	d.add("%s: want %s, got %s", at, jsonText(want), jsonText(got))
}

func sameNumber(a, b json.Number) bool {
	x, errX := a.Float64()
	y, errY := b.Float64()
	return a == b || errX == nil && errY == nil && x == y
}

func jsonText(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return "?"
	}
	return strings.TrimSpace(b.String())
}
