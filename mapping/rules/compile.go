package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping/template"
)

// texts are the parsed templates of a rule, by the path of their setting.
type texts map[string]*template.Template

// Compile compiles rules. Its error names all faults, each by the setting: rules[2].when: ....
func Compile(list []Rule) (*Rules, error) {
	r := &Rules{rules: list}
	var errs []error
	var matches []Match
	names := map[string]bool{}
	for i := range list {
		rule := &list[i]
		matches = append(matches, Match{Type: rule.Match.Type, Events: rule.Match.Event, When: rule.When})
		parsed, faults := rule.parse()
		if names[rule.Name] {
			faults = append(faults, fmt.Errorf("name: %q is another rule's", rule.Name))
		}
		names[rule.Name] = true
		for _, err := range append(faults, rule.check(len(parsed) > 0)...) {
			if place, reason, ok := strings.Cut(err.Error(), ": "); ok {
				err = fmt.Errorf("rules[%d].%s: %s", i, place, reason)
			} else {
				err = fmt.Errorf("rules[%d]: %w", i, err)
			}
			errs = append(errs, err)
		}
		r.programs = append(r.programs, parsed)
		r.reopens = r.reopens || rule.Ticket.Reopen
		r.marks = append(r.marks, rule.mark())
	}
	set, err := New(matches)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	r.set = set
	return r, nil
}

// parse parses the templates of a rule.
func (r *Rule) parse() (parsed texts, faults []error) {
	parsed = texts{}
	for _, s := range r.settings() {
		t, err := template.Parse(s.text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", s.path, err))
		}
		parsed[s.path] = t
	}
	return parsed, faults
}

// check returns what is wrong with a rule at any desk, each by its setting.
func (r *Rule) check(texts bool) (faults []error) {
	refuse := func(wrong bool, text string) {
		if wrong {
			faults = append(faults, errors.New(text))
		}
	}
	t := &r.Ticket
	typ := r.Match.Type
	refuse(typ == "" || strings.ToLower(strings.TrimSpace(typ)) != typ, "match.type: write a type of event in lower case, like track")
	refuse(t.Find.Word == string(ByKey) && blank(t.Key), "ticket.find: needs ticket.key")
	refuse(!blank(t.Key) && t.finding() != ByKey, "ticket.key: is for find: key")
	refuse(t.Open == string(OpenAlways) && (t.Find != Find{} || !blank(t.Key)), "ticket.open: always finds no ticket; leave find and key out, or write once")
	refuse(t.Open == string(OpenOnce) && t.finding() == ByID, "ticket.open: a ticket that is found by its id is never opened; write never")
	refuse(t.Reopen && t.finding() != ByKey, "ticket.reopen: needs ticket.key")
	refuse(!blank(t.Key) && t.KeyTTL <= 0, "ticket.key_ttl: must be more than 0")
	refuse(!blank(t.Result) && t.Status != "closed", "ticket.result: needs status: closed")
	refuse(t.Status == "snoozed" && t.Snooze.For <= 0, "ticket.snooze.for: is missing; say how long, like 24h")
	refuse(t.Status != "snoozed" && t.Snooze.For > 0, "ticket.snooze: needs status: snoozed")
	refuse(!blank(t.Message) && !blank(t.Template.ID), "ticket.template: give a message or a template, not both")
	refuse(len(t.Template.Params) > 0 && blank(t.Template.ID), "ticket.template.id: is missing")
	refuse(!blank(r.Send.Message) && !blank(r.Send.Template.ID), "send.template: give a message or a template, not both")
	refuse(len(r.Send.Template.Params) > 0 && blank(r.Send.Template.ID), "send.template.id: is missing")
	refuse(r.Send.given() && blank(r.Send.Message) && blank(r.Send.Template.ID), "send.message: is missing")
	refuse(r.Object.given() && blank(r.Object.Class), "object.class: is missing")
	refuse(r.Object.given() && blank(r.Object.ID), "object.id: is missing")
	for i, name := range t.RemoveLabels {
		on := slices.ContainsFunc(t.Labels, func(label string) bool { return strings.TrimSpace(label) == strings.TrimSpace(name) })
		refuse(on && !blank(name), fmt.Sprintf("ticket.remove_labels[%d]: is in ticket.labels as well; say which is meant", i))
	}
	refuse(!texts && !r.Default && t.Status == "" && t.Urgency == 0 && t.Open != string(OpenAlways), "asks for nothing")
	return faults
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }

func (s *Send) given() bool {
	return s.Channel != "" || s.Subject != "" || s.Message != "" || s.Template.ID != "" || len(s.Template.Params) > 0
}

func (o *Object) given() bool {
	return o.Class != "" || o.ID != "" || o.Title != "" || len(o.Data) > 0
}

// finding is how the rule's ticket is found.
func (t *Ticket) finding() Finding {
	switch {
	case !blank(t.Find.ID):
		return ByID
	case t.Find.Word != "":
		return Finding(t.Find.Word)
	case !blank(t.Key):
		return ByKey
	}
	return ByNewest
}

// opening is when the rule's ticket is opened.
func (t *Ticket) opening() Opening {
	switch {
	case t.Open != "":
		return Opening(t.Open)
	case t.finding() == ByID:
		return OpenNever
	case t.Find != Find{} || !blank(t.Key):
		return OpenOnce
	}
	return OpenAlways
}
