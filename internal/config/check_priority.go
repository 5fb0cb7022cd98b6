package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
)

// checkPriorities refuses priorities of types that no event has, and warns where priorities put
// nothing first.
func checkPriorities(d *decoder, path string, dest *Destination) {
	at := path + ".delivery.priority"
	for _, typ := range slices.Sorted(maps.Keys(dest.Delivery.Priority)) {
		if typ != rules.CallType && !rules.IsKnownType(typ) {
			d.refuse(at+"."+typ, "no event has the type %q; types are %s, those of help desks like ticket.closed, and %s",
				typ, strings.Join(mapping.Types(), ", "), rules.CallType)
		}
		if dest.Delivery.Priority[typ] == "" {
			d.refuse(at+"."+typ, "must be one of high, normal, low")
		}
	}
	for i, r := range dest.Rules {
		if r.Priority == mapping.High.String() && r.TakesAll() {
			d.warn(indexed(path+".rules", i)+".priority", "makes every %s event high, so none of them goes before another; give the rule names of events or a condition", r.Match.Type)
		}
	}
	if dest.AllHigh() {
		if len(dest.Delivery.Priority) == 0 {
			at = path + ".rules"
		}
		d.warn(at, "makes every event high, so nothing goes first; leave out what can wait")
	}
}

// AllHigh reports whether all types of events of the destination, and all of its rules, are high: then
// nothing goes first.
func (d Destination) AllHigh() bool { return d.HasPriorities() && allHigh(&d) }

func allHigh(dest *Destination) bool {
	high := mapping.High.String()
	types := dest.Events
	if len(types) == 0 {
		types = mapping.Types()
	}
	isHigh := func(typ string) bool { return dest.Delivery.Priority[typ] == high }
	for _, r := range dest.Rules {
		if r.Priority != high && (r.Priority != "" || !isHigh(r.Match.Type)) {
			return false
		}
	}
	return !slices.ContainsFunc(types, func(typ string) bool {
		taken := slices.ContainsFunc(dest.Rules, func(r rules.Rule) bool { return r.Match.Type == typ && r.TakesAll() })
		return !isHigh(typ) && !taken
	})
}

// PrioritiesText is what makes events of the destination more or less urgent, "" for nothing. Two
// instances with the same text go by the same priorities, as far as their rules are the same.
func (d Destination) PrioritiesText() string {
	var parts []string
	for _, typ := range slices.Sorted(maps.Keys(d.Delivery.Priority)) {
		parts = append(parts, typ+"="+d.Delivery.Priority[typ])
	}
	for _, r := range d.Rules {
		if r.Priority != "" {
			parts = append(parts, "rule "+r.Name+"="+r.Priority)
		}
	}
	return strings.Join(parts, ", ")
}

// Reach is what priorities and coalescing look at, for people; "" without both: a more urgent event that
// lies beyond the limits waits until it is read.
func (c *Config) Reach(d Destination) string {
	if !d.HasPriorities() && !d.Delivery.Coalesce {
		return ""
	}
	return fmt.Sprintf("among the events that are read, at most %d records, %d bytes and %d lanes (limits); what lies beyond is not seen",
		c.Limits.Records, c.Limits.Bytes, c.Limits.Lanes)
}
