package trengo

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// send sends a message without a ticket. It is nowhere to be seen afterwards. WhatsApp's window is
// closed here as well.
func (t *trengo) send(r stub.Request) stub.Answer {
	channel := stub.ScalarText(r.Object["channel_id"])
	kind, ok := t.channels[channel]
	if !ok {
		return invalid("channel_id", "The selected channel id is invalid.")
	}
	texts := make(map[string]string)
	for _, field := range []string{"contact_identifier", "contact_name", "message", "email_subject"} {
		if texts[field], ok = laravelString(r.Object, field); !ok {
			return invalid(field, "The "+field+" must be a string.")
		}
	}
	if strings.TrimSpace(texts["message"]) == "" {
		return invalid("message", "The message field is required.")
	}
	key, ok := contactKey(kind, texts["contact_identifier"])
	switch {
	case !ok:
		return invalid("contact_identifier", "The contact identifier is invalid for this channel.")
	case kind == WABusiness:
		return invalid("message", "The contact has not written in the last 24 hours.")
	}
	t.contacts.findOrCreate(kind, channel, key, texts["contact_name"])
	return stub.JSON(http.StatusOK, map[string]any{})
}

// startSession sends a WhatsApp template into a ticket, or to a number, which opens a ticket even
// if one is open.
func (t *trengo) startSession(r stub.Request) stub.Answer {
	template, err := strconv.ParseInt(stub.ScalarText(r.Object["hsm_id"]), 10, 64)
	if err != nil || template <= 0 {
		return invalid("hsm_id", "The hsm id field is required.")
	}
	id := stub.ScalarText(r.Object["ticket_id"])
	if id == "" {
		made, problem := t.openSession(r)
		if problem != "" {
			return invalid("recipient_phone_number", problem)
		}
		id = made
	}
	k, ok := t.tickets.get(id)
	if !ok || t.channels[k.channel] != WABusiness {
		return invalid("ticket_id", "The selected ticket id is invalid.")
	}
	k, ok = t.tickets.say(id, message{user: userOf(r), kind: outbound, text: templateText(template, r.Object["params"]), at: r.Now})
	if !ok {
		return t.Refuse(http.StatusNotFound) // merged meanwhile
	}
	return stub.JSON(http.StatusOK, map[string]any{"message": t.said(k)})
}

// openSession opens a ticket for a number in the account's WhatsApp channel, and returns its id, or
// what is wrong.
func (t *trengo) openSession(r stub.Request) (id, problem string) {
	number, ok := laravelString(r.Object, "recipient_phone_number")
	key, valid := contactKey(WABusiness, number)
	if !ok || number == "" || !valid {
		return "", "The recipient phone number field is required."
	}
	var channels []string
	for id, kind := range t.channels {
		if kind == WABusiness {
			channels = append(channels, id)
		}
	}
	if len(channels) == 0 {
		return "", "The account has no WhatsApp channel."
	}
	channel := slices.MinFunc(channels, cmp.Compare)
	c, _ := t.contacts.findOrCreate(WABusiness, channel, key, "")
	contact := strconv.FormatInt(c.ID, 10)
	made := t.tickets.open(
		ticket{contact: contact, channel: channel, user: userOf(r), createdAt: r.Now, origin: origin{userOf(r), r.Seq, r.Mark}},
		func(int) time.Duration { return 0 },
	)
	return strconv.FormatInt(made.id, 10), ""
}

// templateText is what a ticket shows of a template that was sent.
func templateText(id int64, params any) string {
	var text strings.Builder
	text.WriteString("Template " + strconv.FormatInt(id, 10))
	list, _ := params.([]any)
	for _, p := range list {
		if param, ok := p.(map[string]any); ok {
			text.WriteString(" " + stub.ScalarText(param["key"]) + "=" + stub.ScalarText(param["value"]))
		}
	}
	return text.String()
}
