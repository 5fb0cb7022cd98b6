package trengo

import (
	"context"
	"errors"
	"strings"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	sender "github.com/deskstream/deskstream/sink/trengo"
)

// checkRule implements desk.Kind's CheckRule.
func checkRule(r rules.Rule, s desk.Settings) error {
	return errors.Join(
		sendsByItself(r), sendsTemplates(r, s), templateID("ticket.template.id", r.Ticket.Template.ID), templateID("send.template.id", r.Send.Template.ID),
		r.Lacks(
			rules.Lack{Setting: "ticket.status", Reason: "Trengo cannot snooze a ticket"},
			rules.Lack{Setting: "ticket.queue", Reason: "Trengo has no queues; give a team"},
			rules.Lack{Setting: "ticket.urgency", Reason: "Trengo has no priorities; give a label"},
			rules.Lack{Setting: "ticket.app", Reason: "Trengo sends messages by the ticket's channel"},
			rules.Lack{Setting: "ticket.message_channel", Reason: "Trengo sends messages by the ticket's channel"},
			rules.Lack{Setting: "object", Reason: "Trengo has no objects of one's own"},
		))
}

// templateID refuses the id of a WhatsApp template that no event makes a number.
func templateID(setting, id string) error {
	if strings.Contains(id, "{{") || strings.Trim(strings.TrimSpace(id), "0123456789") == "" {
		return nil
	}
	return errors.New(setting + ": is no number; Trengo's settings show a template's id")
}

// sendsByItself refuses what a WhatsApp template that is sent without a ticket has no use for.
func sendsByItself(r rules.Rule) error {
	switch {
	case r.Send.Template.ID == "":
		return nil
	case r.Send.Channel != "":
		return errors.New("send.channel: a WhatsApp template goes out by the channel that it belongs to")
	case r.Send.Subject != "":
		return errors.New("send.subject: a WhatsApp template has none")
	}
	return nil
}

// sendsTemplates refuses WhatsApp templates where contacts are known by e-mail address: a template goes
// to a phone number, and into a ticket of a WhatsApp channel.
func sendsTemplates(r rules.Rule, s desk.Settings) error {
	if of, ok := s.(*Settings); !ok || of == nil || of.ChannelIdentifier != string(mapped.Email) {
		return nil
	}
	var errs []error
	if r.Send.Template.ID != "" {
		errs = append(errs, errors.New("send.template: a WhatsApp template goes to a phone number: it needs channel_identifier: phone"))
	}
	if r.Ticket.Template.ID != "" && r.Ticket.Channel == "" && r.Ticket.Find.ID == "" {
		errs = append(errs, errors.New("ticket.template: WhatsApp has templates, and the destination's tickets are of a channel of e-mail addresses: "+
			"it needs channel_identifier: phone, or the ticket's own channel"))
	}
	return errors.Join(errs...)
}

// names implements desk.Kind's Names.
func names(ctx context.Context, do sink.Doer, sort rules.Sort) (desk.Names, bool, error) {
	ids, ok, err := sender.Names(ctx, do, sort)
	return desk.Names{IDs: ids}, ok, err
}

// ruled says how Trengo does what rules ask for.
func ruled(mapper *mapped.Mapper, client *sender.Client, referenced bool) desk.Ruled[mapped.Message, sender.Actions] {
	return desk.Ruled[mapped.Message, sender.Actions]{
		Map: mapper.Map, Send: client.Send, Act: client.Act, Merge: mapped.Merge, Warnings: warningsOf,
		Warn: func(m *mapped.Message, warnings []string) { m.Warnings = append(m.Warnings, warnings...) },
		Actions: func(ev mapping.Event, first mapped.Message, d rules.Decision) (sender.Actions, error) {
			contact, warnings, err := mapper.Contact(ev)
			d.Warnings = append(d.Warnings, warnings...)
			return sender.Actions{Contact: contact, Referenced: referenced, Default: first, Decision: d}, err
		},
		OfTicket: func(_ mapping.Event, d rules.Decision) sender.Actions {
			return sender.Actions{OfTicket: true, Referenced: referenced, Decision: d}
		},
		ContactID: mapped.ContactID,
	}
}
