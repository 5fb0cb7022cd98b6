package rules

import (
	"errors"
	"fmt"
	"slices"
)

// setting is a template in a rule.
type setting struct{ path, text string }

// settings are the templates of a rule that are not empty.
func (r *Rule) settings() []setting {
	t := &r.Ticket
	list := []setting{
		{"contact.profile", r.Contact.Profile},
		{"contact.note", r.Contact.Note},
		{"ticket.find.id", t.Find.ID},
		{"ticket.key", t.Key},
		{"ticket.subject", t.Subject},
		{"ticket.channel", t.Channel},
		{"ticket.team", t.Team},
		{"ticket.user", t.User},
		{"ticket.queue", t.Queue},
		{"ticket.note", t.Note},
		{"ticket.message", t.Message},
		{"ticket.template.id", t.Template.ID},
		{"ticket.app", t.App},
		{"ticket.message_channel", t.MessageChannel},
		{"ticket.result", t.Result},
		{"send.channel", r.Send.Channel},
		{"send.subject", r.Send.Subject},
		{"send.message", r.Send.Message},
		{"send.template.id", r.Send.Template.ID},
		{"object.class", r.Object.Class},
		{"object.id", r.Object.ID},
		{"object.title", r.Object.Title},
	}
	for path, values := range map[string]map[string]string{
		"contact.fields": r.Contact.Fields, "ticket.fields": t.Fields,
		"ticket.template.params": t.Template.Params, "send.template.params": r.Send.Template.Params, "object.data": r.Object.Data,
	} {
		for name, value := range values {
			list = append(list, setting{path + "." + name, value})
		}
	}
	for path, names := range map[string][]string{
		"contact.groups": r.Contact.Groups, "ticket.labels": t.Labels, "ticket.remove_labels": t.RemoveLabels,
	} {
		for i, name := range names {
			list = append(list, setting{fmt.Sprintf("%s[%d]", path, i), name})
		}
	}
	return slices.DeleteFunc(list, func(s setting) bool { return blank(s.text) })
}

// Lack is what a desk does not have: a setting of rules, and the reason.
type Lack struct{ Setting, Reason string }

// Lacks returns an error for each setting that a rule gives and a desk does not have, joined, each
// beginning with the setting's path.
func (r *Rule) Lacks(desk ...Lack) error {
	t := &r.Ticket
	given := map[string]bool{
		"ticket.find": t.Find != Find{}, "ticket.reopen": t.Reopen, "ticket.urgency": t.Urgency != 0,
		"contact.fields": len(r.Contact.Fields) > 0, "contact.groups": len(r.Contact.Groups) > 0,
		"ticket.labels": len(t.Labels) > 0, "ticket.remove_labels": len(t.RemoveLabels) > 0, "ticket.fields": len(t.Fields) > 0,
		"ticket.status": t.Status == "snoozed", "ticket.template": t.Template.ID != "" || len(t.Template.Params) > 0,
		"send": r.Send.given(), "object": r.Object.given(),
	}
	for _, s := range r.settings() {
		given[s.path] = true
	}
	var errs []error
	for _, l := range desk {
		if given[l.Setting] {
			errs = append(errs, errors.New(l.Setting+": "+l.Reason))
		}
	}
	return errors.Join(errs...)
}
