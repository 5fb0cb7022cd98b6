package trengo

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

// Actions are what a rule asks for about the contact of an event.
type Actions struct {
	// Contact is the event's. Its channel is the one in which a ticket is opened unless the rule
	// names another.
	Contact trengo.Contact
	// OfTicket says that the contact is not known, and is that of the ticket that the rule names by
	// its id.
	OfTicket bool
	// Referenced says that the subject of a new ticket ends with a reference to the event.
	Referenced bool
	// Default is what the destination does without rules. It is done first if the Decision says
	// so; a ticket that it opens is the rule's.
	Default  trengo.Message
	Decision rules.Decision
}

// Act does what a rule asks for with the calls that do makes. Names are looked up before
// anything is written. The Receipt's ids are contact_id, ticket_id and those of what was made.
// Errors: those of do; a *sink.Failure with contact_not_found, ambiguous_contact,
// missing_channel, missing_identifier or unknown_name; mapping.TicketNotFound when nothing was
// written since there is no ticket; mapping.NothingToUpdate when nothing else needed a write.
func (c *Client) Act(ctx context.Context, do sink.Doer, a Actions) (sink.Receipt, error) {
	w := &work{
		sending: sending{ids: c.ids, do: do, receipt: sink.Receipt{IDs: map[string]string{}, Warnings: slices.Clone(a.Decision.Warnings)}},
		Actions: a, channel: a.Contact.Channel,
	}
	err := w.all(ctx)
	return w.receipt, err
}

// work is a rule's Actions on their way.
type work struct {
	sending
	Actions

	channel mapping.Value // the event's, whatever channel the rule's ticket has
	tasks   []task
	needed  bool            // a task is about the contact or the ticket, and not a name that was left out
	sends   []task          // of messages without a ticket
	shown   mapping.Value   // the contact, once it was asked for, or as the answer that made it shows it
	isNew   bool            // this event has made it
	use     rules.UseTicket // what to do about the ticket
	named   mapping.Value   // the ticket of the rule's id, once it was asked for
	create  bool            // a contact that is not there is created
	contact string          // its id
	present bool            // it was found or made for this event, or Trengo took a write for it
	ticket  theTicket
	gone    []int      // statuses of a contact that is gone; nil once a write for it was taken
	refusal sink.Reply // with one of them
	again   bool       // the ticket is a second one: the first was gone
}

// task is one action with the ids of what it names.
type task func(ctx context.Context) error

// What became of the object that a task is about.
var (
	errContactGone = errors.New("the contact is not there any more")
	errTicketGone  = errors.New("the ticket is not there any more")
)

func (w *work) all(ctx context.Context) error {
	if !w.OfTicket {
		if err := checkAddress(w.Contact); err != nil {
			return err
		}
	}
	if err := w.resolve(ctx); err != nil {
		return err
	}
	if w.OfTicket {
		if err := w.takeContact(ctx); err != nil {
			return err
		}
	}
	if w.Decision.Default {
		for _, text := range w.Default.Warnings {
			w.warn(text)
		}
		if err := w.sending.all(ctx, w.defaultSteps()); err != nil && !errors.Is(err, mapping.NothingToUpdate) {
			return err
		}
	}
	var err error
	if w.needed || w.create {
		err = w.about(ctx)
	} else {
		_, err = w.each(ctx, nil)
	}
	for _, send := range w.sends {
		if err == nil {
			err = send(ctx)
		}
	}
	switch {
	case err != nil && !errors.Is(err, mapping.TicketNotFound):
		return err
	case err != nil && w.writes > 0:
		w.warn("the rule's ticket is not there, and the rule opens none: what comes after it was left out")
	case err != nil:
		return err
	case w.writes == 0:
		return mapping.NothingToUpdate
	}
	return nil
}

// defaultSteps are those of the destination without rules. Where the rule creates the contact, so do
// they.
func (w *work) defaultSteps() []trengo.Step {
	steps := slices.Clone(w.Default.Steps)
	for i, step := range steps {
		if open, ok := step.(trengo.OpenTicket); ok && w.create {
			open.Create = true
			steps[i] = open
		}
	}
	return steps
}

// takeContact takes the contact of the ticket that the rule names by its id for the event's. Errors:
// mapping.TicketNotFound, and those of the Doer.
func (w *work) takeContact(ctx context.Context) error {
	shown, there, err := w.show(ctx, w.use.ID)
	if err != nil {
		return err
	}
	w.named = shown
	for _, v := range []mapping.Value{shown.Get("contact", "id"), shown.Get("contact_id")} {
		if id := scalar(v); id != "" && !w.Contact.ID.Exists() {
			w.Contact.ID = idValue(id)
		}
	}
	if !there || !w.Contact.ID.Exists() {
		w.do.Skip(ticketStepName, nil)
		return mapping.TicketNotFound
	}
	return nil
}

// about finds the contact and does the tasks.
func (w *work) about(ctx context.Context) error {
	if w.Contact.ID.Exists() {
		w.contact = w.Contact.ID.Text()
		w.receipt.IDs[contactIDName] = w.contact
		_, err := w.each(ctx, nil)
		return err
	}
	err := w.withContact(ctx, w.Contact, w.create, func(f contact, gone []int) (sink.Reply, error) {
		switch {
		case f.planned && f.id == "":
			f.id = placeholder
		case f.created && f.id == "":
			var err error
			if f, err = w.identified(ctx, f, w.Contact); err != nil {
				return sink.Reply{}, err
			}
		case f.id == "":
			return sink.Reply{}, sink.NotFound(sink.ContactNotFound, "no contact has the event's address")
		}
		w.contact, w.shown, w.isNew, w.present = f.id, f.shown, f.created, f.how != sink.Cached && f.id != placeholder
		return w.each(ctx, gone)
	})
	if w.present { // also when a step was refused, which withContact takes for a contact that is gone
		w.receipt.IDs[contactIDName] = w.contact
	}
	return err
}

// each does the tasks in order. The statuses of gone answer a write for a contact that is not
// there any more; such an answer is returned.
func (w *work) each(ctx context.Context, gone []int) (sink.Reply, error) {
	w.gone = gone
	for _, do := range w.tasks {
		err := do(ctx)
		if errors.Is(err, errTicketGone) {
			if err = w.useAgain(ctx); err == nil {
				err = do(ctx)
			}
		}
		if errors.Is(err, errContactGone) {
			return w.refusal, nil
		}
		if err != nil {
			return sink.Reply{}, err
		}
	}
	return sink.Reply{}, nil
}

// change makes a change, and reports whether it took effect. A contact that is gone is an error.
func (w *work) change(ctx context.Context, c sink.Change) (sink.Effected, error) {
	made, err := w.do.Change(ctx, c)
	return made, w.took(made, err)
}

// took takes in a write that was made, if there is no error.
func (w *work) took(made sink.Effected, err error) error {
	switch {
	case err != nil:
		return err
	case made.State != "" || made.Reply.Planned:
		w.writes++
		w.gone, w.present = nil, w.present || made.State != "" && w.contact != ""
	case slices.Contains(w.gone, made.Reply.Status):
		w.refusal = made.Reply
		return errContactGone
	}
	return nil
}

// OnRecord takes in what a step has made, by its Ref.
func (c *Client) OnRecord(ref string, step sink.StepRecord) {
	if step.State == sink.StepSkipped {
		return // it was found, and may be a third one's
	}
	for name, made := range map[string]*sink.Made{
		ticketIDName:     c.ids.Made(),
		ticketNote.id:    c.ids.MadeOf(messages),
		ticketMessage.id: c.ids.MadeOf(messages),
		contactNote.id:   c.ids.MadeOf(contactNotes),
	} {
		if id, err := strconv.ParseInt(step.IDs[name], 10, 64); err == nil {
			made.Take(id, ref)
		}
	}
}
