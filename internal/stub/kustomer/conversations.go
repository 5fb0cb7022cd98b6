package kustomer

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// createsPerMinute is how many objects a client may create for one customer in a minute.
const createsPerMinute = 120

// conversationBody is what a create of a conversation takes. A status of snoozed needs a second
// call.
var conversationBody = object(map[string]rule{
	"id":            text(24, 24),
	"customer":      text(1, 256),
	"externalId":    text(1, 256),
	"name":          orNull(text(0, 256)),
	"status":        oneOf("open", "done"),
	"priority":      between(1, 5),
	"direction":     orNull(oneOf("in", "out")),
	"replyChannel":  text(1, 64),
	"tags":          tags,
	"assignedUsers": unique(10, text(1, 256)),
	"assignedTeams": unique(10, text(1, 256)),
	"custom":        custom,
	"queue":         object(map[string]rule{"id": text(1, 256), "external": text(1, 256)}),
	"createdAt":     dateTime,
	"importedAt":    dateTime,
	"defaultLang":   text(0, 100),
})

// conversation is one conversation. Its attributes are never changed.
type conversation struct {
	id, customer string
	attributes   map[string]any
	at           time.Time // by the true clock
	call         int64
	mark         string
	maker        int64
}

// conversations are those of one organization.
type conversations struct {
	mu         sync.Mutex
	all        []conversation
	byID       map[string]int
	byExternal map[string]int
	creates    map[string][]time.Time // of each customer, in the last minute
}

func newConversations() *conversations {
	s := &conversations{}
	s.clear()
	return s
}

func (s *conversations) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.byID, s.byExternal, s.creates = nil, make(map[string]int), make(map[string]int), make(map[string][]time.Time)
}

func (s *conversations) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

var errTooManyCreates = errors.New("too many creates for this customer")

// add makes a conversation. Errors: errConflict, if another conversation has the externalId;
// errTooManyCreates.
func (s *conversations) add(c conversation) (conversation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.attributes["importedAt"] == nil && !s.mayCreate(c.customer, c.at) {
		return c, errTooManyCreates
	}
	external, _ := c.attributes["externalId"].(string)
	if _, taken := s.byExternal[external]; taken && external != "" {
		return c, errConflict
	}
	c.id = objectID("conversation", c.customer, strconv.Itoa(len(s.all)))
	s.byID[c.id] = len(s.all)
	if external != "" {
		s.byExternal[external] = len(s.all)
	}
	s.all = append(s.all, c)
	return c, nil
}

// mayCreate counts one create more for a customer, if there may be one.
func (s *conversations) mayCreate(customer string, now time.Time) bool {
	recent := s.creates[customer]
	for len(recent) > 0 && now.Sub(recent[0]) >= time.Minute {
		recent = recent[1:]
	}
	allowed := len(recent) < createsPerMinute
	if allowed {
		recent = append(recent, now)
	}
	s.creates[customer] = recent
	return allowed
}

// find returns the conversation that an index has.
func (s *conversations) find(index map[string]int, key string) (conversation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := index[key]
	if !ok {
		return conversation{}, false
	}
	return s.all[i], true
}

// envelope is the conversation as answers show it.
func (c conversation) envelope() map[string]any {
	at := c.at.UTC().Format(kustomerTime)
	shown := map[string]any{"status": "open", "priority": 3, "tags": []any{}, "assignedUsers": []any{}, "assignedTeams": []any{}}
	maps.Copy(shown, c.attributes)
	delete(shown, "customer")
	maps.Copy(shown, map[string]any{"createdAt": at, "updatedAt": at, "modifiedAt": at, "rev": 1})
	return map[string]any{"data": map[string]any{
		"type": "conversation", "id": c.id, "attributes": shown,
		"relationships": map[string]any{"customer": relationship("customer", c.customer), "org": relationship("org", objectID("org"))},
		"links":         map[string]any{"self": "/v1/conversations/" + c.id},
	}}
}

func (k *kustomer) converse(r stub.Request) stub.Answer {
	body, err := checked(r, conversationBody)
	if err != nil {
		return customerError(err)
	}
	who, ok := k.customers.get(r.Params[0])
	if !ok {
		return notFound("id")
	}
	c, err := k.conversations.add(conversation{
		customer: who.id, attributes: body, at: time.Now(), call: r.Seq, mark: r.Mark, maker: r.UserID,
	})
	switch {
	case errors.Is(err, errConflict): // which of 409 and 400 it is, is not said
		return longError(http.StatusConflict, "externalId is another conversation's", "")
	case err != nil:
		return k.Refuse(http.StatusTooManyRequests)
	}
	return stub.JSON(http.StatusCreated, c.envelope())
}

func (k *kustomer) showConversation(r stub.Request) stub.Answer {
	return shownConversation(k.conversations.find(k.conversations.byID, r.Params[0]))
}

func (k *kustomer) lookUpConversation(r stub.Request) stub.Answer {
	return shownConversation(k.conversations.find(k.conversations.byExternal, r.Params[0]))
}

func shownConversation(c conversation, ok bool) stub.Answer {
	if !ok {
		return notFound("id")
	}
	return stub.JSON(http.StatusOK, c.envelope())
}

// Tickets implements stub.TicketKeeper: a conversation is a ticket.
func (k *kustomer) Tickets() []stub.Ticket {
	s := k.conversations
	s.mu.Lock()
	defer s.mu.Unlock()
	tickets := make([]stub.Ticket, len(s.all))
	for i, c := range s.all {
		name, _ := c.attributes["name"].(string)
		status, _ := c.attributes["status"].(string)
		tickets[i] = stub.Ticket{ID: c.id, Contact: c.customer, Subject: name, Maker: c.maker, State: status, At: c.at, Call: c.call, Mark: c.mark}
	}
	return tickets
}
