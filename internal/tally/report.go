package tally

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/deskstream/deskstream/internal/stub"
)

// Report is what was counted.
type Report struct {
	Destinations []Account
	// Faults say what does not add up; none means that everything is accounted for.
	Faults []string
}

// OK reports whether everything is accounted for.
func (r Report) OK() bool { return len(r.Faults) == 0 }

// Account is what was counted of one destination.
type Account struct {
	Destination
	// Events came in.
	Events int
	// Became counts outcomes: "delivered", "skipped filtered", "dead invalid/not_json".
	Became map[string]int
	// Letters is how many dead letters there are, repeats not counted.
	Letters int
	// Calls counts what the help desk received by op and by what it answered: a status,
	// or the fault that the stub made up.
	Calls map[string]map[string]int
	// Kinds counts, by event type, the events and the calls that their outcomes list.
	Kinds map[string]Kind
	// Repeated is how many writes took effect again after an answer was lost, Duplicates
	// how many did without such an excuse.
	Repeated, Duplicates int
	// OutOfOrder is how many writes came behind one of a later event of their lane.
	OutOfOrder int
	// Unmarked is how many writes show no event, so that nothing can be said of them.
	Unmarked int
}

// Kind counts the events of one type and their calls. Warm counts those events that
// made a call when an earlier event of their lane had found the vendor's id of its
// user, so that what is remembered of ids can show.
type Kind struct {
	Events, Calls         int
	WarmEvents, WarmCalls int
}

// Report compares what was taken in with the calls that the help desks received, each
// destination's under its type, in the order of arrival.
func (b *Book) Report(calls map[string][]stub.Call) Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	var r Report
	fault := func(format string, args ...any) { r.Faults = append(r.Faults, fmt.Sprintf(format, args...)) }
	if b.strange > 0 {
		fault("records on the responses topic that are no outcome of a destination: %d", b.strange)
	}
	if b.foreign > 0 {
		fault("outcomes of an earlier source topic of the name, or of another cluster: %d", b.foreign)
	}
	if b.ambiguous > 0 {
		fault("events that have the same mark as another: %d", b.ambiguous)
	}
	named := 0
	for _, d := range b.desks {
		received := calls[d.Type]
		a := Account{Destination: d.Destination, Events: len(b.events), Became: maps.Clone(d.became), Kinds: map[string]Kind{}}
		for name, k := range d.kinds {
			a.Kinds[name] = Kind{Events: k.events, Calls: k.calls, WarmEvents: k.warmEvents, WarmCalls: k.warmCalls}
		}
		b.checkOutcomes(d, fault)
		a.Letters = b.checkLetters(d, fault)
		named += len(d.dead)
		a.Calls = countCalls(received)
		checkCalls(d, received, fault)
		b.checkEffects(&a, received, fault)
		b.checkOrder(&a, received, fault)
		r.Destinations = append(r.Destinations, a)
	}
	if extra := len(b.letters) - named; extra > 0 {
		fault("dead letters that no outcome names: %d", extra)
	}
	return r
}

type faultFunc func(format string, args ...any)

// checkOutcomes: every event has one outcome, and every outcome an event.
func (b *Book) checkOutcomes(d *desk, fault faultFunc) {
	var missing, repeated, foreign []place
	for at := range b.events {
		switch n := d.outcomes[at]; {
		case n == 0:
			missing = append(missing, at)
		case n > 1:
			repeated = append(repeated, at)
		}
	}
	for at := range d.outcomes {
		if _, ok := b.events[at]; !ok {
			foreign = append(foreign, at)
		}
	}
	for _, f := range []struct {
		what   string
		places []place
	}{
		{"events without an outcome", missing},
		{"events with several outcomes", repeated},
		{"outcomes of no event", foreign},
	} {
		if len(f.places) > 0 {
			fault("%s: %s: %d, the first of %s", d.Name, f.what, len(f.places), slices.MinFunc(f.places, comparePlaces))
		}
	}
	sum := 0
	for _, n := range d.became {
		sum += n
	}
	if len(missing)+len(repeated)+len(foreign) == 0 && sum != len(b.events) {
		fault("%s: outcomes for %d events: %d", d.Name, len(b.events), sum)
	}
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition), cmp.Compare(a.offset, b.offset))
}

// checkLetters: every dead event has the letter that its outcome names. It gives the
// number of letters.
func (b *Book) checkLetters(d *desk, fault faultFunc) int {
	written, missing := 0, 0
	for id := range d.dead {
		if b.letters[id] > 0 {
			written++
		} else {
			missing++
		}
	}
	if dead := d.dispositions()["dead"]; dead != len(d.dead) {
		fault("%s: letters that %d dead events name: %d", d.Name, dead, len(d.dead))
	}
	if missing > 0 {
		fault("%s: dead letters that an outcome names and that are not there: %d", d.Name, missing)
	}
	return written
}
