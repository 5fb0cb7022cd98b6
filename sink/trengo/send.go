package trengo

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

// The names of the steps of which Trengo cannot be asked whether they took effect.
const (
	sendStepName     = "send"
	templateStepName = "template"
)

// planSend sees to it that a message without a ticket can be sent: to the event's address, no contact
// need be known for it.
func (w *work) planSend(ctx context.Context, a rules.SendMessage) error {
	channel := w.channel
	if a.Channel != "" {
		id, err := w.find(ctx, channels, a.Channel)
		if err != nil {
			return err
		}
		if id == "" { // it is not to go out by another one
			w.sends = append(w.sends, func(context.Context) error {
				w.do.Skip(sendStepName, nil)
				return nil
			})
			return nil
		}
		channel = idValue(id)
	}
	switch {
	case w.Contact.Identifier == "":
		return sink.NotFound(mapping.MissingIdentifier, "a message without a ticket goes to an address, and the event has only the contact's id")
	case a.Template != nil && w.Contact.Kind != trengo.Phone:
		return sink.NotFound(mapping.MissingIdentifier, "a WhatsApp template goes to a phone number: it needs channel_identifier: phone")
	case a.Template == nil && !channel.Exists():
		return sink.NotFound(mapping.MissingChannel, "a message is to be sent, and neither the event nor the rule nor the configuration names a channel for it")
	}
	call := w.templateCall(a.Template, mapping.Member{Name: "recipient_phone_number", Value: mapping.Str(w.Contact.Identifier)})
	if a.Template == nil {
		call = w.sendCall(a, channel)
	}
	w.sends = append(w.sends, func(ctx context.Context) error {
		_, err := w.blind(ctx, sendStepName, call)
		if f, refused := errors.AsType[*sink.Failure](err); refused && a.Template == nil && f.Status == http.StatusUnprocessableEntity && w.isWhatsApp(ctx, channel) {
			f.Code = sink.WindowClosed
		}
		return err
	})
	return nil
}

// sendCall sends a message without a ticket. Vendor: POST /messages, where the contact's name counts
// for a new one only.
func (w *work) sendCall(a rules.SendMessage, channel mapping.Value) sink.Call {
	text := a.Text
	if w.Contact.Kind == trengo.Email {
		text = htmlOf(text)
	}
	return sink.Call{
		Op: "POST /messages", Method: http.MethodPost, Path: "/messages",
		Body: mapping.Obj(
			mapping.Member{Name: "channel_id", Value: channel},
			mapping.Member{Name: "contact_identifier", Value: mapping.Str(w.Contact.Identifier)},
			mapping.Member{Name: "contact_name", Value: optional(w.Contact.Name)},
			mapping.Member{Name: "message", Value: mapping.Str(text)},
			mapping.Member{Name: "email_subject", Value: optional(a.Subject)},
		),
	}
}

// templateCall sends a WhatsApp template to whom a member says. Vendor: POST /wa_sessions, whose
// parameters have a type (body, ...) and a key ({{1}}, ...). A name is the key's number, for another
// type than body with that before it: header.1.
func (*work) templateCall(t *rules.Approved, to mapping.Member) sink.Call {
	if t == nil {
		return sink.Call{}
	}
	var params []mapping.Value
	for _, p := range t.Params {
		typ, key, ok := strings.Cut(p.Name, ".")
		if !ok {
			typ, key = "body", p.Name
		}
		params = append(params, mapping.Obj(
			mapping.Member{Name: "type", Value: mapping.Str(typ)},
			mapping.Member{Name: "key", Value: mapping.Str("{{" + key + "}}")},
			mapping.Member{Name: "value", Value: mapping.Str(p.Value)},
		))
	}
	return sink.Call{
		Op: "POST /wa_sessions", Method: http.MethodPost, Path: "/wa_sessions",
		Body: mapping.Obj(mapping.Member{Name: "hsm_id", Value: idValue(t.ID)}, to, mapping.Member{Name: "params", Value: listOf(params)}),
	}
}

// listOf is a list, absent for an empty one.
func listOf(list []mapping.Value) mapping.Value {
	if len(list) == 0 {
		return mapping.Value{}
	}
	return mapping.Arr(list...)
}

// blind makes a write of which Trengo cannot be asked whether it took effect.
func (w *work) blind(ctx context.Context, step string, call sink.Call) (sink.Effected, error) {
	call.Unrepeatable = true
	made, err := w.do.Once(ctx, sink.Effect{Step: step, Call: call, Blind: true, IDs: func(r sink.Reply) map[string]string { return sentIDs(step, r) }})
	if err == nil {
		maps.Copy(w.receipt.IDs, made.IDs)
	}
	return made, w.took(made, err)
}

// sentIDs are the ids of a message that was sent: of a template in the rule's ticket that of the
// message, of what was sent without one also that of the ticket which Trengo has opened for it. The
// answer of POST /messages is not documented.
func sentIDs(step string, r sink.Reply) map[string]string {
	ids := make(map[string]string)
	put := func(name, id string) {
		if id != "" {
			ids[name] = id
		}
	}
	switch message := r.JSON().Get("message"); step {
	case templateStepName:
		put(ticketMessage.id, contactID(message))
	case sendStepName:
		put("sent_message_id", contactID(message))
		put("sent_ticket_id", idOf(message.Get("ticket_id")))
	}
	return ids
}

// message sends a message in the ticket, or an approved template.
func (w *work) message(ctx context.Context, a rules.Message) error {
	if a.Template == nil {
		return w.say(ctx, &ticketMessage, a.Text)
	}
	call := w.templateCall(a.Template, mapping.Member{Name: "ticket_id", Value: idValue(w.ticket.id)})
	if !w.again {
		call.Answers = []int{http.StatusNotFound}
	}
	made, err := w.blind(ctx, templateStepName, call)
	if err == nil && made.State == "" && made.Reply.Status == http.StatusNotFound {
		err = errTicketGone
	}
	return err
}

// isWhatsApp reports whether a channel is one of WhatsApp, as far as the list of channels tells.
func (w *work) isWhatsApp(ctx context.Context, channel mapping.Value) bool {
	types, err := w.read(ctx, directory{"channel", channels.path, func(c mapping.Value) []string {
		return []string{c.Get("type").Str() + ":" + contactID(c)}
	}})
	return err == nil && types[whatsApp+":"+channel.Text()] != ""
}
