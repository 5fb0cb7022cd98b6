package trengo

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

// Client carries out Messages for one token. It is safe for concurrent use.
type Client struct{ ids *sink.IDs }

// New makes a Client that remembers contact ids in ids, which destinations with the
// same token share.
func New(ids *sink.IDs) *Client { return &Client{ids: ids} }

// Send does the steps of m with the calls that do makes. The Receipt's ids are
// contact_id and ticket_id. Errors: those of do; a *sink.Failure with
// contact_not_found, ambiguous_contact or missing_channel; mapping.NothingToUpdate when
// no step needed a write.
func (c *Client) Send(ctx context.Context, do sink.Doer, m trengo.Message) (sink.Receipt, error) {
	s := &sending{ids: c.ids, do: do, receipt: sink.Receipt{IDs: map[string]string{}, Warnings: slices.Clone(m.Warnings)}}
	err := s.all(ctx, m.Steps)
	if errors.Is(err, mapping.NothingToUpdate) && s.writes > 0 {
		err = nil
	}
	return s.receipt, err
}

// all does steps. Its error is mapping.NothingToUpdate when one of them needed no write.
func (s *sending) all(ctx context.Context, steps []trengo.Step) (skipped error) {
	for _, step := range steps {
		switch err := s.step(ctx, step); {
		case errors.Is(err, mapping.NothingToUpdate):
			skipped = err
		case err != nil:
			return err
		}
	}
	return skipped
}

// sending is one Message on its way.
type sending struct {
	ids     *sink.IDs
	do      sink.Doer
	receipt sink.Receipt
	writes  int
}

// warn adds a warning, once however often it is met.
func (s *sending) warn(text string) {
	if !slices.Contains(s.receipt.Warnings, text) {
		s.receipt.Warnings = append(s.receipt.Warnings, text)
	}
}

func (s *sending) step(ctx context.Context, step trengo.Step) error {
	switch step := step.(type) {
	case trengo.SaveContact:
		if err := checkAddress(step.Contact); err != nil {
			return err
		}
		return s.save(ctx, step)
	case trengo.OpenTicket:
		if err := checkAddress(step.Contact); err != nil {
			return err
		}
		return s.open(ctx, step)
	default:
		return nil
	}
}

// write makes a call that changes something.
func (s *sending) write(ctx context.Context, call sink.Call) (sink.Reply, error) {
	reply, err := s.do.Do(ctx, call)
	if err == nil && (reply.OK() || reply.Planned) {
		s.writes++
	}
	return reply, err
}

func (s *sending) save(ctx context.Context, step trengo.SaveContact) error {
	if step.ID.Exists() {
		s.receipt.IDs[contactIDName] = step.ID.Text()
		_, err := s.write(ctx, updateCall(step.ID.Text(), step.Name))
		return err
	}
	if !step.Search {
		made, err := s.create(ctx, step.Contact, true)
		if err == nil && made.id != "" {
			s.ids.Put(key(step.Contact), made.id)
			s.receipt.IDs[contactIDName] = made.id
		}
		return err
	}
	return s.withContact(ctx, step.Contact, true, func(f contact, answers []int) (sink.Reply, error) {
		switch {
		case f.created && step.Name == f.name:
			return sink.Reply{}, nil
		case step.Name == "" || step.Name == mapping.Trim(f.name):
			return sink.Reply{}, mapping.NothingToUpdate
		}
		call := updateCall(f.id, step.Name)
		call.Answers = answers
		return s.write(ctx, call)
	})
}

func (s *sending) open(ctx context.Context, step trengo.OpenTicket) error {
	if step.ID.Exists() {
		s.receipt.IDs[contactIDName] = step.ID.Text()
		_, err := s.openFor(ctx, step.ID, step, nil)
		return err
	}
	return s.withContact(ctx, step.Contact, step.Create, func(f contact, answers []int) (sink.Reply, error) {
		switch {
		case f.id != "":
			return s.openFor(ctx, idValue(f.id), step, answers)
		case f.planned:
			return s.openFor(ctx, mapping.Str(placeholder), step, answers)
		case f.created:
			return s.openForCreated(ctx, f, step)
		default:
			return sink.Reply{}, sink.NotFound(sink.ContactNotFound, "no contact has the event's address")
		}
	})
}

func (s *sending) openFor(ctx context.Context, contact mapping.Value, step trengo.OpenTicket, answers []int) (sink.Reply, error) {
	opened, err := s.openAs(ctx, ticketStepName, contact, opening{step, answers})
	return opened.Reply, err
}

// opening is a ticket to be opened, and the call's Answers.
type opening struct {
	trengo.OpenTicket
	answers []int
}

// openAs opens a ticket as the step of a name.
func (s *sending) openAs(ctx context.Context, name string, contact mapping.Value, o opening) (sink.Effected, error) {
	ref := ""
	if o.Referenced {
		ref = subjectRef(s.do, name)
		o.Subject += " " + ref
	}
	p := s.ticketProbe(name, contact.Text(), ref, o.OpenTicket)
	defer p.end()
	call := ticketCall(contact, o.OpenTicket)
	call.Answers = o.answers
	opened, err := s.do.Once(ctx, p.effect(name, call))
	if err != nil || opened.State == "" && !opened.Reply.Planned {
		return opened, err
	}
	if opened.State != sink.StepSkipped {
		s.writes++
	}
	if id := opened.IDs[ticketIDName]; id != "" {
		s.receipt.IDs[ticketIDName] = id
	} else if !opened.Reply.Planned {
		s.warn("the answer to the new ticket holds no id")
	}
	return opened, nil
}

// openForCreated opens the ticket for a contact that was just created by an answer
// without an id.
func (s *sending) openForCreated(ctx context.Context, made contact, step trengo.OpenTicket) (sink.Reply, error) {
	found, err := s.identified(ctx, made, step.Contact)
	if err != nil {
		return sink.Reply{}, err
	}
	return s.openFor(ctx, idValue(found.id), step, nil)
}

// identified gives a contact that was just created by an answer without an id its id, which a
// search can give. Where none does, Trengo's index may lag, or the answer was not Trengo's: both
// steps are made again, as after a passing failure.
func (s *sending) identified(ctx context.Context, made contact, c trengo.Contact) (contact, error) {
	found, err := s.search(ctx, c)
	for err == nil && found.id == "" {
		if err = s.do.CountFailure(ctx, createCall(c), made.answer); err == nil {
			found, err = s.findOrCreate(ctx, c, true)
			made = found
		}
	}
	if err != nil {
		return contact{}, err
	}
	s.ids.Put(key(c), found.id)
	s.receipt.IDs[contactIDName] = found.id
	return found, nil
}

// The names of ids in a Receipt.
const (
	contactIDName = "contact_id"
	ticketIDName  = "ticket_id"
)

// placeholder stands in a planned ticket for an id that only the real run would give.
const placeholder = "<id of the contact>"

// goneStatuses answer a write for a contact that is not there any more.
var goneStatuses = []int{http.StatusNotFound, http.StatusUnprocessableEntity}
