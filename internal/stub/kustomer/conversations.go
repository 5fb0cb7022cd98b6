package kustomer

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/deskstream/deskstream/internal/stub"
)

// The kinds of what belongs to conversations.
const (
	conversationKind = "conversation"
	noteKind         = "note"
	messageKind      = "message"
)

// routing are the members that creates and updates of conversations share.
var routing = map[string]rule{
	"externalId":    text(1, 256),
	"name":          orNull(text(0, 256)),
	"priority":      between(1, 5),
	"direction":     orNull(oneOf("in", "out")),
	"tags":          tags,
	"assignedUsers": unique(10, text(1, 256)),
	"assignedTeams": unique(10, text(1, 256)),
	"custom":        custom,
	"queue":         object(map[string]rule{"id": text(1, 256), "external": text(1, 256)}),
}

// with are the rules of an object that has more members than another one.
func with(some, more map[string]rule) map[string]rule {
	all := maps.Clone(some)
	maps.Copy(all, more)
	return all
}

var (
	// conversationBody is what a create of a conversation takes. A status of snoozed needs a second
	// call.
	conversationBody = object(with(routing, map[string]rule{
		"id": text(24, 24), "customer": text(1, 256), "status": oneOf("open", "done"), "replyChannel": text(1, 64),
		"createdAt": dateTime, "importedAt": dateTime, "defaultLang": text(0, 100),
	}))
	// conversationUpdate is what an update takes. Of snooze nothing but its members is known.
	conversationUpdate = object(with(routing, map[string]rule{
		"status": oneOf("open", "snoozed", "done"), "subStatus": orNull(text(0, 256)), "rev": number,
		"snooze": orNull(object(map[string]rule{"time": dateTime, "status": oneOf("scheduled", "canceled", "elapsed")})),
	}))
	noteBody = object(map[string]rule{
		"body": text(1, 10240), "externalId": text(1, 256), "lang": text(0, 100), "createdAt": dateTime, "importedAt": dateTime,
		"userMentions": unique(100, object(map[string]rule{"user": text(1, 256), "team": text(1, 256)})),
		"attachments":  unique(100, anything),
	}, "body")
	messageBody = object(map[string]rule{
		"channel": oneOf("email", "sms", "chat", "facebook", "twitter-dm", "twitter-tweet", "voice", "instagram", "whatsapp"),
		"app":     text(1, 256), "preview": text(0, 100_000), "subject": orNull(text(0, 1024)), "direction": oneOf("in", "out"),
		"externalId": text(1, 256), "conversation": text(1, 256), "meta": anything, "custom": custom,
		"sentAt": dateTime, "importedAt": dateTime,
	}, "channel", "app")
)

func anything(any) error { return nil }

// conversationData is a conversation as answers show it.
func conversationData(c record) map[string]any {
	shown := c.data()
	attributes := shown["attributes"].(map[string]any)
	for name, v := range map[string]any{"status": "open", "priority": 3, "tags": []any{}, "assignedUsers": []any{}, "assignedTeams": []any{}} {
		if attributes[name] == nil {
			attributes[name] = v
		}
	}
	shown["links"] = map[string]any{"self": "/v1/conversations/" + c.id}
	return shown
}

func conversationAnswer(status int, c record) stub.Answer {
	return stub.JSON(status, map[string]any{"data": conversationData(c)})
}

// tagIDs makes a body's tags ids. Errors: of a tag that is not there, since names are not promised
// in this place.
func (k *kustomer) tagIDs(body map[string]any) error {
	names, _ := body["tags"].([]any)
	ids := make([]any, len(names))
	for i, name := range names {
		text, _ := name.(string)
		id := k.tags.idOf(text, false)
		if id == "" || id != text {
			return below("tags", below(strconv.Itoa(i), broken("is the id of no tag")))
		}
		ids[i] = id
	}
	if names != nil {
		body["tags"] = ids
	}
	return nil
}

func (k *kustomer) converse(r stub.Request) stub.Answer {
	body, err := checked(r, conversationBody)
	if err == nil {
		err = k.tagIDs(body)
	}
	if err != nil {
		return customerError(err)
	}
	who, ok := k.customers.get(r.Params[0])
	if !ok {
		return notFound("id")
	}
	c := newRecord(conversationKind, r, body)
	c.customer = who.id
	if c, err = k.records.add(c, true); err != nil {
		return k.refusedWrite(err)
	}
	return conversationAnswer(http.StatusCreated, c)
}

// listConversations lists those of a customer.
func (k *kustomer) listConversations(r stub.Request) stub.Answer {
	who, ok := k.customers.get(r.Params[0])
	if !ok {
		return notFound("id")
	}
	var list []map[string]any
	for _, c := range k.records.list(func(c record) bool { return c.kind == conversationKind && c.customer == who.id }) {
		list = append(list, conversationData(c))
	}
	return paged(r, "/v1/customers/"+who.id+"/conversations", maxPage, list)
}

// listAllConversations lists those of all customers. Its order is not documented, nor are filters.
func (k *kustomer) listAllConversations(r stub.Request) stub.Answer {
	list := k.records.list(func(c record) bool { return c.kind == conversationKind })
	return pagedOf(r, "/v1/conversations", maxPage, len(list), func(i int) map[string]any { return conversationData(list[i]) })
}

func (k *kustomer) showConversation(r stub.Request) stub.Answer {
	return shownConversation(k.records.get(conversationKind, r.Params[0]))
}

func (k *kustomer) lookUpConversation(r stub.Request) stub.Answer {
	return shownConversation(k.records.lookUp(conversationKind, r.Params[0]))
}

func shownConversation(c record, ok bool) stub.Answer {
	if !ok {
		return notFound("id")
	}
	return conversationAnswer(http.StatusOK, c)
}

// updateConversation serves PUT and PATCH.
func (k *kustomer) updateConversation(r stub.Request) stub.Answer {
	body, err := checked(r, conversationUpdate)
	if err == nil {
		err = k.tagIDs(body)
	}
	if err != nil {
		return customerError(err)
	}
	c, err := k.records.update(conversationKind, r, body)
	if err != nil {
		return k.refusedWrite(err)
	}
	return conversationAnswer(http.StatusOK, c)
}

// changeTags serves the endpoints of tags. An unknown one is created, or is on no conversation.
func (k *kustomer) changeTags(off bool) func(stub.Request) stub.Answer {
	return func(r stub.Request) stub.Answer {
		if r.Array == nil {
			return customerError(errors.New("the body is not a JSON array"))
		}
		if err := tags(r.Array); err != nil {
			return customerError(err)
		}
		c, err := k.records.change(conversationKind, r.Params[0], r.Now, func(was record) (map[string]any, error) {
			next := maps.Clone(was.attributes)
			on, _ := next["tags"].([]any)
			on = slices.Clone(on)
			for _, tag := range r.Array {
				id := k.tags.idOf(tag.(string), !off)
				at := slices.Index(on, any(id))
				switch {
				case off && at >= 0:
					on = slices.Delete(on, at, at+1)
				case !off && at < 0:
					on = append(on, id)
				}
			}
			next["tags"] = on
			return next, nil
		})
		if err != nil {
			return k.refusedWrite(err)
		}
		if off {
			return stub.Answer{Status: http.StatusNoContent}
		}
		return conversationAnswer(http.StatusOK, c)
	}
}

// note adds a note. Its externalId is not called unique.
func (k *kustomer) note(r stub.Request) stub.Answer {
	return k.addTo(r, noteKind, noteBody)
}

func (k *kustomer) message(r stub.Request) stub.Answer {
	return k.addTo(r, messageKind, messageBody)
}

// addTo adds something to a conversation.
func (k *kustomer) addTo(r stub.Request, kind string, follow rule) stub.Answer {
	body, err := checked(r, follow)
	if err != nil {
		return customerError(err)
	}
	c, ok := k.records.get(conversationKind, r.Params[0])
	if !ok {
		return notFound("id")
	}
	made := newRecord(kind, r, body)
	made.customer, made.parent = c.customer, c.id
	if made, err = k.records.add(made, kind == messageKind); err != nil {
		return k.refusedWrite(err)
	}
	return made.answer(http.StatusCreated)
}

// listNotes lists the notes of a conversation.
func (k *kustomer) listNotes(r stub.Request) stub.Answer {
	c, ok := k.records.get(conversationKind, r.Params[0])
	if !ok {
		return notFound("id")
	}
	var list []map[string]any
	for _, n := range k.records.list(func(n record) bool { return n.kind == noteKind && n.parent == c.id }) {
		list = append(list, n.data())
	}
	return paged(r, "/v1/conversations/"+c.id+"/notes", maxPage, list)
}

func (k *kustomer) lookUpMessage(r stub.Request) stub.Answer {
	m, ok := k.records.lookUp(messageKind, r.Params[0])
	if !ok {
		return notFound("externalid")
	}
	return m.answer(http.StatusOK)
}

// Tickets implements stub.TicketKeeper: a conversation is a ticket.
func (k *kustomer) Tickets() []stub.Ticket {
	s := k.records
	s.mu.Lock()
	defer s.mu.Unlock()
	var tickets []stub.Ticket
	for _, c := range s.all {
		if c.kind != conversationKind {
			continue
		}
		name, _ := c.attributes["name"].(string)
		status, _ := c.attributes["status"].(string)
		tickets = append(tickets, stub.Ticket{ID: c.id, Contact: c.customer, Subject: name, Maker: c.maker, State: status, At: c.at, Call: c.call, Mark: c.mark})
	}
	return tickets
}
