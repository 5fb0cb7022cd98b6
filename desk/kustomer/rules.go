package kustomer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping"
	mapped "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	sender "github.com/deskstream/deskstream/sink/kustomer"
)

// messageChannels are the channels of messages that Kustomer records. Vendor: POST
// /v1/conversations/{id}/messages.
var messageChannels = []string{"email", "sms", "chat", "facebook", "twitter-dm", "twitter-tweet", "voice", "instagram", "whatsapp"}

// checkRule implements desk.Kind's CheckRule.
func checkRule(r rules.Rule, _ desk.Settings) error {
	errs := []error{r.Lacks(
		rules.Lack{Setting: "contact.note", Reason: "Kustomer has notes of conversations only; write ticket.note"},
		rules.Lack{Setting: "ticket.channel", Reason: "a Kustomer conversation has no channel; its messages have: ticket.message_channel"},
		rules.Lack{Setting: "ticket.template", Reason: "Kustomer sends no templates"},
		rules.Lack{Setting: "ticket.result", Reason: "Kustomer closes conversations without a result; write a field or a label"},
		rules.Lack{Setting: "send", Reason: "Kustomer records messages in conversations, and sends none: ticket.message"},
	)}
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	t := &r.Ticket
	for path, fields := range map[string]map[string]string{"contact.fields": r.Contact.Fields, "ticket.fields": t.Fields} {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			refuse(!mapped.IsAttribute(name), "%s.%s: the name of a Kustomer attribute ends in its type: %s", path, name, mapped.Suffixes)
		}
	}
	for path, names := range map[string][]string{
		"contact.groups": r.Contact.Groups, "ticket.labels": t.Labels, "ticket.remove_labels": t.RemoveLabels,
	} {
		for i, name := range names {
			_, ok := mapped.Tag(name)
			refuse(isPlain(name) && !ok, "%s[%d]: Kustomer takes no such tag: at most 64 letters, digits, blanks and _ / < > - .", path, i)
		}
	}
	refuse(len(r.Contact.Groups) > mapped.MaxTags, "contact.groups: a Kustomer customer takes %d tags", mapped.MaxTags)
	refuse(len(t.Labels) > mapped.MaxTags, "ticket.labels: a Kustomer conversation takes %d tags", mapped.MaxTags)
	says := strings.TrimSpace(t.Message) != ""
	refuse(says && blank(t.App), "ticket.app: is missing: Kustomer records a message only with the app that sent it")
	refuse(says && blank(t.MessageChannel), "ticket.message_channel: is missing: Kustomer records a message only with its channel, one of %s", strings.Join(messageChannels, ", "))
	refuse(!says && (!blank(t.App) || !blank(t.MessageChannel)), "ticket.app: needs ticket.message")
	refuse(isPlain(t.MessageChannel) && !slices.Contains(messageChannels, t.MessageChannel), "ticket.message_channel: must be one of %s", strings.Join(messageChannels, ", "))
	return errors.Join(errs...)
}

// names implements desk.Kind's Names.
func names(ctx context.Context, do sink.Doer, sort rules.Sort) (desk.Names, bool, error) {
	ids, ok, err := sender.Names(ctx, do, sort)
	return desk.Names{IDs: ids}, ok, err
}

// isPlain reports whether a text is there and is no template.
func isPlain(text string) bool { return !blank(text) && !strings.Contains(text, "{{") }

func blank(text string) bool { return strings.TrimSpace(text) == "" }

// ruled says how Kustomer does what rules ask for.
func ruled(mapper *mapped.Mapper, client *sender.Client) desk.Ruled[mapped.Message, sender.Actions] {
	return desk.Ruled[mapped.Message, sender.Actions]{
		Map: mapper.Map, Send: client.Send, Act: client.Act, Merge: mapped.Merge, Warnings: warningsOf,
		Warn: func(m *mapped.Message, warnings []string) { m.Warnings = append(m.Warnings, warnings...) },
		Actions: func(ev mapping.Event, first mapped.Message, d rules.Decision) (sender.Actions, error) {
			person, warnings, err := mapper.Person(ev)
			d.Warnings = append(d.Warnings, warnings...)
			return sender.Actions{Person: person, Default: first, Decision: d, Changed: hasChanged(ev, d)}, err
		},
		OfTicket: func(ev mapping.Event, d rules.Decision) sender.Actions {
			return sender.Actions{OfTicket: true, Decision: d, Changed: hasChanged(ev, d)}
		},
		ContactID: mapped.CustomerID,
	}
}

// hasChanged reports whether an event has begun by a rule that asked for something else.
func hasChanged(ev mapping.Event, d rules.Decision) bool {
	return ev.Begun != nil && *ev.Begun != d.Mark()
}
