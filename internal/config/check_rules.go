package config

import (
	"slices"
	"strings"

	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/mapping/unified"
)

// checkRules compiles the rules, and asks the desk whether it can do what they ask for.
func checkRules(d *decoder, path string, dest *Destination) {
	if len(dest.Rules) == 0 {
		return
	}
	if _, err := rules.Compile(dest.Rules); err != nil {
		checkDesk(d, path, err)
	} else {
		adviseRules(d, path, dest)
	}
	kind, known := all.Kind(dest.Type)
	if known && kind.CheckRule == nil {
		d.refuse(path+".rules", "a %s destination has no rules", dest.Type)
		return
	}
	for i, r := range dest.Rules {
		at := indexed(path+".rules", i)
		if typ := r.Match.Type; strings.Contains(typ, ".") && !unified.IsType(typ) {
			d.refuse(at+".match.type", "help desks have no event %q%s", typ, Suggest(typ, unified.TypeNames()))
		}
		switch {
		case r.Name == "":
			d.refuse(at+".name", "is missing")
		case !destinationName.MatchString(r.Name):
			d.refuse(at+".name", "must be 1 to 64 of a-z, 0-9 and -")
		}
		if d.given(at+".ticket.find.id") && strings.TrimSpace(r.Ticket.Find.ID) == "" {
			d.refuse(at+".ticket.find.id", "is empty: say which ticket, or leave find out")
		}
		if d.given(at+".ticket.key_ttl") && strings.TrimSpace(r.Ticket.Key) == "" {
			d.warn(at+".ticket.key_ttl", "has no effect without ticket.key")
		}
		if known {
			checkDesk(d, at, kind.CheckRule(r, dest.Desk()))
		}
	}
}

// adviseRules refuses rules that can never match, and warns of what a rule most likely does not mean.
func adviseRules(d *decoder, path string, dest *Destination) {
	checkDesk(d, path, rules.Unmatched(dest.Rules, dest.Filter()))
	for _, a := range rules.Advise(dest.Rules) {
		d.warn(path+"."+a.Path, "%s", a.Text)
	}
}

// checkDeskEvents warns of rules on events of help desks that nobody reads, and of events that no rule
// takes.
func (c *Config) checkDeskEvents(d *decoder) {
	taken := false
	for i, dest := range c.Destinations {
		if kind, known := all.Kind(dest.Type); known && kind.CheckRule == nil {
			taken = true // it has no rules, and takes all events
		}
		for k, r := range dest.Rules {
			if !unified.IsType(r.Match.Type) {
				continue
			}
			taken = true
			if !c.ReadsInbound() {
				d.warn(indexed(indexed("destinations", i)+".rules", k)+".match.type",
					"%s is an event of a help desk, and source.topics does not have inbound.topic, %s, so the rule sees none", r.Match.Type, c.Inbound.Topic)
			}
		}
	}
	if i := slices.Index(c.Source.Topics, c.Inbound.Topic); i >= 0 && !taken {
		d.warn(indexed("source.topics", i), "no rule takes an event of help desks, so all of %s are skipped", c.Inbound.Topic)
	}
}

// checkKeys warns of keys of tickets where events come from several topics.
func (c *Config) checkKeys(d *decoder) {
	if len(c.Source.Topics) < 2 {
		return
	}
	for i, dest := range c.Destinations {
		for k, r := range dest.Rules {
			if strings.TrimSpace(r.Ticket.Key) != "" {
				d.warn(indexed(indexed("destinations", i)+".rules", k)+".ticket.key",
					"a key belongs to one source topic: an event of another one of source.topics does not find its ticket")
			}
		}
	}
}
