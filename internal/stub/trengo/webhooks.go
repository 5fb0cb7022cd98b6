package trengo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/internal/stub"
)

// events are the events of webhooks, one of which each registration has.
var events = []string{
	"INBOUND", "OUTBOUND", "NOTE", "TICKET_LABEL_ADDED", "TICKET_LABEL_DELETED", "TICKET_ASSIGNED", "TICKET_CLOSED", "TICKET_REOPENED",
	"TICKET_MARKED_AS_SPAM", "TICKET_UNMARKED_AS_SPAM", "VOICE_CALL_STARTED", "VOICE_CALL_ENDED", "VOICE_CALL_RECORDED", "VOICE_CALL_MISSED",
	"VOICE_CALL_ROUTE_NUMBER",
}

// Hooks implements stub.Hooked. Nothing is documented of repeats, so a webhook is sent once.
func (t *trengo) Hooks() *stub.Hooks { return t.hooks }

// Announce implements stub.Hooked. A body is a form of flat members, and names no event.
func (t *trengo) Announce(event string, content map[string]any, q stub.Quirks) bool {
	if !slices.Contains(events, event) {
		return false
	}
	form := url.Values{}
	for name, value := range content {
		form.Set(name, stub.ScalarText(value))
	}
	body, at := form.Encode(), strconv.FormatInt(q.Clock().Unix(), 10)
	t.hooks.Send(event, q, func(h stub.Hook) stub.Webhook {
		mac := hmac.New(sha256.New, []byte(h.Secret))
		mac.Write([]byte(at + "." + body))
		return stub.Webhook{
			ContentType: "application/x-www-form-urlencoded", Body: []byte(body),
			Headers: map[string]string{"Trengo-Signature": at + ";" + hex.EncodeToString(mac.Sum(nil))},
		}
	})
	return true
}

// tell sends what a call that took effect is told by. What the desk's own users do is told as well
// as what calls do: that is a guess.
func (t *trengo) tell(r stub.Request, next func(stub.Request) stub.Answer) stub.Answer {
	answer := next(r)
	if t.hooks.None() || answer.Status < 200 || answer.Status > 299 || len(r.Params) == 0 {
		return answer
	}
	ticket := r.Params[0]
	of := func(event string, content map[string]any) {
		content["ticket_id"] = ticket
		t.Announce(event, content, r.Quirks)
	}
	switch r.Op {
	case "POST /tickets/{id}/close":
		of("TICKET_CLOSED", map[string]any{})
	case "POST /tickets/{id}/reopen":
		of("TICKET_REOPENED", map[string]any{"status": stateOpen})
	case "POST /tickets/{id}/assign":
		content := by(r.Object["user_id"])
		team := stub.ScalarText(r.Object["team_id"])
		content["team_id"], content["team_name"] = team, withID(teams, team)["name"]
		content["assigned_to"] = strings.ToUpper(stub.ScalarText(r.Object["type"]))
		of("TICKET_ASSIGNED", content)
	case "POST /tickets/{id}/labels", "DELETE /tickets/{id}/labels/{label_id}":
		event, id := "TICKET_LABEL_ADDED", stub.ScalarText(r.Object["label_id"])
		if r.Method == http.MethodDelete {
			event, id = "TICKET_LABEL_DELETED", r.Params[1]
		}
		of(event, map[string]any{"label_id": id, "label_name": withID(labels, id)["name"]})
	case "POST /tickets/{id}/messages":
		t.tellMessage(r, answer, of)
	}
	return answer
}

// tellMessage sends what a message or a note is told by, as the answer to its call shows it.
func (t *trengo) tellMessage(r stub.Request, answer stub.Answer, of func(string, map[string]any)) {
	var made struct {
		Message struct {
			ID     json.Number
			UserID json.Number `json:"user_id"`
			Text   string      `json:"message"`
			Type   string
		}
	}
	k, ok := t.tickets.get(r.Params[0])
	if json.Unmarshal(answer.Body, &made) != nil || !ok {
		return
	}
	m := made.Message
	content := by(m.UserID)
	content["message_id"], content["message"] = m.ID, m.Text
	if m.Type == note {
		of("NOTE", content)
		return
	}
	who, _ := t.contacts.get(k.contact)
	content["contact_id"], content["contact_identifier"] = k.contact, t.contacts.identifier(k.contact)
	content["contact_name"], content["channel_id"] = who.Name, k.channel
	of("OUTBOUND", content)
}

// by are the members that name a user.
func by(id any) map[string]any {
	text := stub.ScalarText(id)
	user := withID(users, text)
	return map[string]any{"user_id": text, "user_name": user["full_name"], "user_email": user["email"]}
}

// hookOf is a registration as answers show it.
func hookOf(h stub.Hook) entry {
	return entry{"id": json.Number(h.ID), "title": h.Name, "url": h.URL, "type": h.Events[0], "signing_secret": h.Secret}
}

func (t *trengo) listHooks(r stub.Request) stub.Answer {
	list := []entry{}
	for _, h := range t.hooks.All() {
		list = append(list, hookOf(h))
	}
	return listed("/webhooks", list)(r)
}

func (t *trengo) addHook(r stub.Request) stub.Answer {
	name, url, event := stub.ScalarText(r.Object["name"]), stub.ScalarText(r.Object["url"]), stub.ScalarText(r.Object["type"])
	switch {
	case name == "":
		return invalid("name", "The name field is required.")
	case url == "":
		return invalid("url", "The url field is required.")
	case !slices.Contains(events, event):
		return invalid("type", "The selected type is invalid.")
	}
	h := t.hooks.Add(func(n int) stub.Hook {
		return stub.Hook{
			ID: strconv.Itoa(8000 + n), Name: name, URL: url, Events: []string{event},
			Secret: fmt.Sprintf("%016x%016x", stub.Mix(uint64(n)), stub.Mix(uint64(n)+1<<32)),
		}
	})
	return stub.JSON(http.StatusCreated, hookOf(h))
}

func (t *trengo) showHook(r stub.Request) stub.Answer {
	return t.shownHook(t.hooks.Get(r.Params[0]))
}

func (t *trengo) shownHook(h stub.Hook, ok bool) stub.Answer {
	if !ok {
		return t.Refuse(http.StatusNotFound)
	}
	return stub.JSON(http.StatusOK, hookOf(h))
}

func (t *trengo) changeHook(r stub.Request) stub.Answer {
	event := stub.ScalarText(r.Object["type"])
	if event != "" && !slices.Contains(events, event) {
		return invalid("type", "The selected type is invalid.")
	}
	return t.shownHook(t.hooks.Change(r.Params[0], func(h *stub.Hook) {
		if name := stub.ScalarText(r.Object["name"]); name != "" {
			h.Name = name
		}
		if url := stub.ScalarText(r.Object["url"]); url != "" {
			h.URL = url
		}
		if event != "" {
			h.Events = []string{event}
		}
	}))
}

func (t *trengo) removeHook(r stub.Request) stub.Answer {
	if !t.hooks.Remove(r.Params[0]) {
		return t.Refuse(http.StatusNotFound)
	}
	return stub.Answer{Status: http.StatusOK}
}

// hookRoutes are the endpoints of registrations.
func (t *trengo) hookRoutes() []stub.Route {
	return []stub.Route{
		stub.NewRoute("GET /webhooks", t.listHooks),
		stub.NewRoute("POST /webhooks", t.addHook),
		stub.NewRoute("GET /webhooks/{id}", t.showHook),
		stub.NewRoute("PUT /webhooks/{id}", t.changeHook),
		stub.NewRoute("DELETE /webhooks/{id}", t.removeHook),
	}
}
