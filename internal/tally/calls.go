package tally

import (
	"net/http"
	"strconv"

	"github.com/deskstream/deskstream/internal/stub"
)

// countCalls counts by op and by what was answered.
func countCalls(received []stub.Call) map[string]map[string]int {
	counts := make(map[string]map[string]int)
	for _, c := range received {
		op := c.Op
		if op == "" {
			op = c.Method + " (unknown path)"
		}
		if counts[op] == nil {
			counts[op] = make(map[string]int)
		}
		counts[op][answered(c)]++
	}
	return counts
}

func answered(c stub.Call) string {
	switch {
	case c.Open:
		return "open"
	case c.Status != 0:
		return strconv.Itoa(c.Status)
	default:
		return string(c.Fault)
	}
}

// checkCalls: the help desk received what the outcomes list, and nothing else.
func checkCalls(d *desk, received []stub.Call, fault faultFunc) {
	got, cut := make(map[request]int), make(map[request]int)
	for _, c := range received {
		r := request{c.Method, c.Path}
		if c.Query != "" {
			r.target += "?" + c.Query
		}
		got[r]++
		// net/http sends a GET again by itself when a used connection is cut.
		if c.Method == http.MethodGet && c.Status == 0 {
			cut[r]++
		}
	}
	unlisted, unseen := 0, 0
	for r, n := range got {
		unlisted += max(0, n-d.listed[r]-cut[r])
	}
	for r, n := range d.listed {
		unseen += max(0, n-got[r])
	}
	if unlisted > 0 {
		fault("%s: calls at the help desk that no outcome lists: %d", d.Name, unlisted)
	}
	if unseen > 0 {
		fault("%s: calls that an outcome lists and that did not arrive: %d", d.Name, unseen)
	}
}

// effect is a write for an event.
type effect struct{ mark, op string }

// checkEffects: no write of an event took effect twice, unless an answer was lost.
func (b *Book) checkEffects(a *Account, received []stub.Call, fault faultFunc) {
	effects, answers := make(map[effect]int), make(map[effect]int)
	for _, c := range received {
		if c.Method == http.MethodGet {
			continue
		}
		if c.Mark == "" {
			a.Unmarked++
			continue
		}
		accepted := c.Status >= 200 && c.Status < 300
		if accepted || c.Fault == stub.Lost {
			effects[effect{c.Mark, c.Op}]++
		}
		if accepted && !c.ClosedEarly {
			answers[effect{c.Mark, c.Op}]++
		}
	}
	for e, n := range effects {
		duplicates := max(0, answers[e]-1)
		a.Duplicates += duplicates
		a.Repeated += n - 1 - duplicates
	}
	if a.Duplicates > 0 {
		fault("%s: writes made again although they had been answered: %d", a.Name, a.Duplicates)
	}
}

// checkOrder: the writes of a lane come in the order of its events.
func (b *Book) checkOrder(a *Account, received []stub.Call, fault faultFunc) {
	type lane struct {
		topic     string
		partition int32
		value     string
	}
	newest := make(map[lane]int64)
	unknown := 0
	for _, c := range received {
		if c.Method == http.MethodGet || c.Mark == "" {
			continue
		}
		at, ok := b.marks[c.Mark]
		if !ok {
			unknown++
			continue
		}
		l := lane{at.topic, at.partition, b.events[at].lane}
		if l.value == "" {
			continue
		}
		if at.offset < newest[l] {
			a.OutOfOrder++
		}
		newest[l] = max(newest[l], at.offset)
	}
	if unknown > 0 {
		fault("%s: writes for an event that is not on the source topic: %d", a.Name, unknown)
	}
	if a.OutOfOrder > 0 {
		fault("%s: writes that came after one of a later event of their lane: %d", a.Name, a.OutOfOrder)
	}
}
