package trengo

import (
	"context"
	"errors"
	"slices"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

// maxPages bounds a search: a hit that fits stands on the first page but for very
// common terms, and each page costs a call. 4 pages are 100 hits.
const maxPages = 4

// contact is what is known of an event's contact. Its id is "" when it was not found;
// its name is "" for one that was remembered, or found for another event. A created one
// has the name that Trengo shows: it gives the contact that is there already, with the
// name that it had, when the search did not find it.
type contact struct {
	hit
	how     sink.How
	created bool
	answer  sink.Reply // of its creation, if it holds no id
	// shown is the created one as the answer shows it, with its groups, profiles and channels; absent
	// where the answer has not all of them.
	shown   mapping.Value
	planned bool // it depends on a call that plan does not make
}

// key is the name under which a contact's id is remembered. The channel is part of
// it because it decides between several contacts with one address. c has an address
// (checkAddress): all that have none would share one contact.
func key(c trengo.Contact) string {
	return string(c.Kind) + "\x00" + c.Channel.Text() + "\x00" + c.Kind.Normal(c.Identifier)
}

// checkAddress refuses a contact without an id whose identifier is no address. The
// mapping makes none; it would be one contact of strangers, so no call is made for it.
func checkAddress(c trengo.Contact) error {
	if c.ID.Exists() || c.Kind.Normal(c.Identifier) != "" {
		return nil
	}
	return sink.NotFound(mapping.MissingIdentifier, "the contact has neither an id nor a usable "+string(c.Kind))
}

// withContact finds the contact, or creates it, and makes the write that needs it. A
// remembered contact that Trengo does not take is forgotten, and all starts over
// once. use gets the statuses that mean that.
func (s *sending) withContact(ctx context.Context, c trengo.Contact, create bool, use func(contact, []int) (sink.Reply, error)) error {
	f, err := s.contact(ctx, c, create)
	if err != nil {
		return err
	}
	var gone []int
	if f.how == sink.Cached {
		gone = goneStatuses
	}
	reply, err := use(f, gone)
	if err == nil && slices.Contains(gone, reply.Status) {
		s.forget(c, f.id)
		if f, err = s.contact(ctx, c, create); err != nil {
			return err
		}
		_, err = use(f, nil)
	}
	if refused, ok := errors.AsType[*sink.Failure](err); ok && slices.Contains(goneStatuses, refused.Status) {
		s.forget(c, f.id)
	}
	return err
}

// forget drops a remembered id unless another event has found a newer one meanwhile.
func (s *sending) forget(c trengo.Contact, id string) {
	delete(s.receipt.IDs, contactIDName)
	if present, ok := s.ids.Get(key(c)); ok && present == id {
		s.ids.Drop(key(c))
	}
}

// contact gives the event's contact: remembered, searched for, or created if it may
// be. Search and create are one find, so that of several events of one new contact
// one creates it and the others get its id.
func (s *sending) contact(ctx context.Context, c trengo.Contact, create bool) (contact, error) {
	for {
		var own contact
		id, how, err := s.ids.Find(ctx, s.do, key(c), func(ctx context.Context) (string, error) {
			var err error
			own, err = s.findOrCreate(ctx, c, create)
			return own.id, err
		})
		if err != nil {
			return contact{}, err
		}
		if id == "" && how == sink.Shared && create {
			continue // the other event only searched, and did not find it
		}
		if id != "" {
			s.receipt.IDs[contactIDName] = id
		}
		own.id, own.how = id, how
		return own, nil
	}
}

func (s *sending) findOrCreate(ctx context.Context, c trengo.Contact, create bool) (contact, error) {
	found, err := s.search(ctx, c)
	if err != nil || found.id != "" || !create {
		return found, err
	}
	return s.create(ctx, c, false)
}

// search looks for the contact, page by page until one has it.
func (s *sending) search(ctx context.Context, c trengo.Contact) (contact, error) {
	for page := 1; page <= maxPages; page++ {
		reply, err := s.do.Do(ctx, searchCall(c, page))
		if err != nil || reply.Planned {
			return contact{planned: reply.Planned}, err
		}
		body := reply.JSON()
		found, err := matches(body, c)
		if err != nil { // the Doer did not ask the call's Accept
			return contact{}, &sink.Failure{Stage: sink.StageLookup, Class: sink.Exhausted, Code: sink.BadAnswer, Status: reply.Status, Message: err.Error()}
		}
		if len(found) > 0 {
			chosen, err := choose(found, c.Channel)
			return contact{hit: chosen}, err
		}
		if body.Get("links", "next").Str() == "" || body.Get("data").Len() == 0 {
			return contact{}, nil
		}
	}
	s.warn("the search for the contact had more pages than were read")
	return contact{}, nil
}

// create makes the contact. Without a search before it, a repeat could make two.
func (s *sending) create(ctx context.Context, c trengo.Contact, unsearched bool) (contact, error) {
	if !c.Channel.Exists() {
		return contact{}, sink.NotFound(mapping.MissingChannel, "the contact is new, and neither the event nor the configuration names a channel for it")
	}
	call := createCall(c)
	call.Unrepeatable = unsearched
	reply, err := s.write(ctx, call)
	if err != nil {
		return contact{}, err
	}
	answer := reply.JSON()
	made := contact{hit: hit{id: contactID(answer), name: c.Name}, created: true, planned: reply.Planned}
	if name := answer.Get("name"); made.id != "" && name.Kind() != mapping.Absent && isAt(answer, c, c.Kind.Normal(c.Identifier)) {
		made.name = mapping.Trim(name.Str())
	}
	if made.id != "" && answer.Get("groups").Exists() && answer.Get("channels").Len() > 0 {
		made.shown = answer
	}
	if made.id == "" && !made.planned {
		s.warn("the answer to the new contact holds no id")
		made.answer = reply
	}
	return made, nil
}
