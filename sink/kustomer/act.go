package kustomer

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// Actions are what a rule asks for about the customer of an event.
type Actions struct {
	// Person is whom the event is about.
	Person kustomer.Upsert
	// OfTicket says that the customer is not known, and is that of the conversation that the rule
	// names by its id.
	OfTicket bool
	// Default is what the destination does without rules. It is done first if the Decision says so,
	// and whom it finds or makes is the rule's customer.
	Default  kustomer.Message
	Decision rules.Decision
	// Changed says that the event has begun by a rule that asked for something else.
	Changed bool
}

// Act does what a rule asks for with the calls that do makes. Names are looked up before anything
// is written. The Receipt's ids are customer_id, conversation_id and those of what was made. Errors:
// those of do and of Send; a *sink.Failure with contact_not_found or unknown_name; a *mapping.Error,
// invalid_id, for an id that can be none; mapping.TicketNotFound when nothing was written since
// there is no conversation; mapping.NothingToUpdate when nothing else needed a write.
func (c *Client) Act(ctx context.Context, do sink.Doer, a Actions) (sink.Receipt, error) {
	w := &work{
		client: c, ids: c.ids, do: do, Actions: a,
		receipt: sink.Receipt{IDs: map[string]string{}, Warnings: slices.Clone(a.Decision.Warnings)},
	}
	err := w.all(ctx)
	return w.receipt, err
}

// work is a rule's Actions on their way.
type work struct {
	client  *Client
	ids     *sink.IDs
	do      sink.Doer
	receipt sink.Receipt
	Actions

	asked asked  // of the customer
	tasks []task // about anything else, in order
	left  left
	// The rule's conversation: how it is found, what it is given, and which one it is.
	use     rules.UseTicket
	routing routing
	ticket  theConversation
	again   bool          // it is a second one: the first was gone
	updated bool          // one was given what the rule asks for, without a status
	named   mapping.Value // the one of the rule's id, once it was asked for

	customer string // its id
	gone     bool   // the customer is a remembered one, which may not be there any more
	isNew    bool   // this event has made the customer, who has no conversation yet
	writes   int
}

// task is one action with the ids of what it names.
type task func(ctx context.Context) error

// errConversationGone is said of a conversation that is not there any more.
var errConversationGone = errors.New("the conversation is not there any more")

func (w *work) all(ctx context.Context) error {
	if err := w.resolve(ctx); err != nil {
		return err
	}
	if w.OfTicket {
		if err := w.takeCustomer(ctx); err != nil {
			return err
		}
	}
	if err := w.doDefault(ctx); err != nil {
		return err
	}
	var err error
	if len(w.tasks) > 0 || w.asked.something() {
		err = w.about(ctx)
	} else {
		w.skipAll(&w.left.objects)
	}
	switch {
	case err != nil && !errors.Is(err, mapping.TicketNotFound):
		return err
	case err != nil && w.writes > 0:
		w.warn("the customer has no open conversation, and the rule opens none: what it asks for the conversation was left out")
	case err != nil:
		return err
	case w.writes == 0:
		return mapping.NothingToUpdate
	}
	return nil
}

// takeCustomer takes the customer of the conversation that the rule names by its id for the event's.
// Errors: mapping.TicketNotFound, and those of the Doer.
func (w *work) takeCustomer(ctx context.Context) error {
	data, there, err := w.show(ctx, w.use.ID)
	if err != nil {
		return err
	}
	if w.named, w.Person.ID = data, customerOf(data); !there || w.Person.ID == "" {
		w.do.Skip(conversationStepName, nil)
		return mapping.TicketNotFound
	}
	return nil
}

// warn adds a warning once.
func (w *work) warn(text string) {
	if !slices.Contains(w.receipt.Warnings, text) {
		w.receipt.Warnings = append(w.receipt.Warnings, text)
	}
}

// doDefault does what the destination does without rules. An update of the customer that merges
// lists is left to the rule's, as one call with it.
func (w *work) doDefault(ctx context.Context) error {
	if !w.Decision.Default {
		return nil
	}
	for _, text := range w.Default.Warnings {
		w.warn(text)
	}
	for _, step := range w.Default.Steps {
		if err := w.defaultStep(ctx, step); err != nil && !errors.Is(err, mapping.NothingToUpdate) {
			return err
		}
		if id := w.receipt.IDs[customerID]; id != "" {
			w.Person.ID = id
		}
	}
	return nil
}

func (w *work) defaultStep(ctx context.Context, step kustomer.Step) error {
	switch step := step.(type) {
	case kustomer.Track:
		return w.trackOnRecord(ctx, step)
	case kustomer.Upsert:
		if step.Mode == "" || step.Mode == kustomer.MergeLists {
			w.Person, w.asked.create, w.asked.base = step, step.ID == "", true
			return nil
		}
	}
	err := w.client.step(ctx, w.do, step, &w.receipt)
	if err == nil {
		w.writes++
	}
	return err
}

// trackStepName is the name of the step that puts the event on the timeline.
const trackStepName = "track"

// trackOnRecord tracks the event as a step of its own: when another process goes on with the event
// after that, it is not tracked again.
func (w *work) trackOnRecord(ctx context.Context, step kustomer.Track) error {
	made, err := w.do.Change(ctx, sink.Change{Step: trackStepName, Call: trackCall(step), IDs: func(reply sink.Reply) map[string]string {
		ids := make(map[string]string, 3)
		tracked(&reply, ids)
		return ids
	}})
	if err != nil {
		return err
	}
	w.writes++
	if !made.Reply.Planned {
		maps.Copy(w.receipt.IDs, made.IDs)
		warnUntracked(&w.receipt)
	}
	return nil
}

// about finds the customer and does the tasks. A remembered customer that is gone is looked up
// again, once.
func (w *work) about(ctx context.Context) error {
	err := w.saveCustomer(ctx, false)
	if err == nil {
		err = w.each(ctx)
	}
	if errors.Is(err, errGone) {
		w.memory().forget(w.customer)
		delete(w.receipt.IDs, customerID)
		if err = w.saveCustomer(ctx, true); err == nil {
			err = w.each(ctx)
		}
	}
	return err
}

func (w *work) memory() memory { return memory{ids: w.ids, step: w.Person} }

// each does the tasks in order.
func (w *work) each(ctx context.Context) error {
	w.skipAll(&w.left.objects)
	for _, do := range w.tasks {
		err := do(ctx)
		if errors.Is(err, errConversationGone) {
			if err = w.useAgain(ctx); err == nil {
				err = do(ctx)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ofCustomer are the statuses of an answer that says that the customer is not there any more.
func (w *work) ofCustomer() []int {
	if w.gone {
		return []int{http.StatusNotFound}
	}
	return nil
}

// took takes in a write that was made, if there is no error.
func (w *work) took(made sink.Effected, err error) error {
	if err == nil && (made.State != "" || made.Reply.Planned) {
		w.writes++
	}
	return err
}

// change makes a change that may be repeated. Not taken, its answer is one of the call's Answers.
func (w *work) change(ctx context.Context, c sink.Change) (sink.Effected, error) {
	made, err := w.do.Change(ctx, c)
	return made, w.took(made, err)
}

// refusals are the statuses of refusals of a change that may mean that the desk is so already, that the
// conversation is gone, or that something which the change names is. What Kustomer answers then is not
// documented.
var refusals = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity}
