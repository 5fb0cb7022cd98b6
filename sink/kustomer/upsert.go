package kustomer

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
)

// lookupOps are the templates of the lookups, by key.
var lookupOps = map[kustomer.Key]string{
	kustomer.ByEmail:      "GET /v1/customers/email={email}",
	kustomer.ByExternalID: "GET /v1/customers/externalId={id}",
	kustomer.ByPhone:      "GET /v1/customers/phone={phone}",
}

// upsert is one Upsert under way.
type upsert struct {
	memory
	do      sink.Doer
	receipt *sink.Receipt
	// held are the entries that others have, as a conflict showed, by entryKey.
	held map[string]bool
	// found are the customers that lookups made for this event found, by Lookup.Key.
	found map[string]match
	// insists is set once a write was refused: the next one is made though it may change
	// nothing.
	insists bool
	// resolved is set once a conflict has been resolved: the next one is final.
	resolved bool
	// withoutID leaves out the externalId, which somebody else has.
	withoutID bool
	// withoutLists leaves out the lists, which Kustomer refused.
	withoutLists bool
	// conflicts counts the answers 409 in a row.
	conflicts int
	// ruled is what a rule asks for, nil without one.
	ruled *ruledCustomer
	// planned is set once a call was not made, because none is.
	planned bool
}

// ruledCustomer is what a rule makes of a customer, as a step of the event.
type ruledCustomer struct {
	step string
	// whole is the customer that a create makes, change what an update does to one that is there.
	whole, change mapping.Value
	// without are the same, each without something of the rule's that Kustomer may have refused: what
	// is tried instead, one after another.
	without []lessOfCustomer
	// left says what the present ones are without, "" for nothing.
	left string
	// made says that it was created, by this event.
	made bool
}

// match is a customer that was found; the zero match is none.
type match struct {
	id string
	// remembered marks an id that may be out of date, of a customer known so far.
	remembered bool
	known      known
	// shown marks that a lookup or a reading made for this event has shown the attributes.
	shown      bool
	attributes mapping.Value
	// company is the customer's company, "" for none.
	company string
}

// owner is the externalId that a customer was shown with, "" for none.
func (m match) owner() string { return ownerText(m.attributes.Get("externalId")) }

// errGone is said of a remembered customer that is not there any more.
var errGone = errors.New("the remembered customer is gone")

func (u *upsert) run(ctx context.Context) error {
	target := match{id: u.step.ID}
	if target.id == "" {
		var err error
		if target, err = u.find(ctx); err != nil {
			return err
		}
	}
	err := u.save(ctx, target)
	if !errors.Is(err, errGone) {
		return err
	}
	u.forget(target.id)
	if target, err = u.lookUp(ctx); err != nil {
		return err
	}
	return u.save(ctx, target)
}

// lessOfCustomer is a ruledCustomer without something of the rule's, which a warning names.
type lessOfCustomer struct {
	left          string
	whole, change mapping.Value
}

// leaveOut leaves something of the rule's out, if there is anything that may be.
func (r *ruledCustomer) leaveOut() bool {
	if r == nil || len(r.without) == 0 {
		return false
	}
	next := r.without[0]
	r.whole, r.change, r.left, r.without = next.whole, next.change, next.left, r.without[1:]
	return true
}

// save brings the event to the customer that was found, or to a new one.
func (u *upsert) save(ctx context.Context, target match) error {
	if u.ruled != nil {
		u.step.Customer = u.ruled.change
		if target.id == "" {
			u.step.Customer = u.ruled.whole
		} else if u.ruled.change.Len() == 0 {
			u.receipt.IDs[customerID] = target.id
			return mapping.NothingToUpdate
		}
	}
	if target.id == "" {
		return u.create(ctx)
	}
	return u.update(ctx, target)
}

// write makes a write, as a step of the event where a rule asks for it.
func (u *upsert) write(ctx context.Context, call sink.Call) (sink.Reply, error) {
	if u.ruled == nil {
		return u.do.Do(ctx, call)
	}
	made, err := u.do.Change(ctx, sink.Change{Step: u.ruled.step, Call: call, IDs: customerIDs})
	u.planned = u.planned || made.Reply.Planned
	return made.Reply, err
}

// customerIDs returns the id of a customer in an answer, nil for none.
func customerIDs(reply sink.Reply) map[string]string { return idsOf(customerID, reply) }

// idsOf returns the id of what an answer shows, under its name in receipts; nil for none.
func idsOf(name string, reply sink.Reply) map[string]string {
	if id := pathID(reply.JSON().Get("data", "id")); id != "" {
		return map[string]string{name: id}
	}
	return nil
}

// find tries the lookups in order and lets what is remembered, or what another event
// is finding out, stand in for each of them.
func (u *upsert) find(ctx context.Context) (match, error) {
	for _, l := range u.step.Lookups {
		var found match
		id, how, err := u.ids.Find(ctx, u.do, l.Key(), func(ctx context.Context) (string, error) {
			var err error
			found, err = u.ask(ctx, l)
			return found.id, err
		})
		switch {
		case err != nil:
			return match{}, err
		case how == sink.Cached:
			if k := u.known(id); u.mayAnswer(l, k) {
				return match{id: id, remembered: true, known: k}, nil
			}
			if found, err = u.ask(ctx, l); err != nil {
				return match{}, err
			}
		case how == sink.Shared:
			found = match{id: id}
		}
		if found.id != "" {
			return found, nil
		}
	}
	return match{}, nil
}

// lookUp tries the lookups in order, past the memory.
func (u *upsert) lookUp(ctx context.Context) (match, error) {
	for _, l := range u.step.Lookups {
		if found, err := u.ask(ctx, l); err != nil || found.id != "" {
			return found, err
		}
	}
	return match{}, nil
}

// ask makes one lookup.
func (u *upsert) ask(ctx context.Context, l kustomer.Lookup) (match, error) {
	found, err := u.get(ctx, sink.Call{
		Op: lookupOps[l.By], Path: "/v1/customers/" + string(l.By) + "=" + segment(l.Value),
		Answers: []int{http.StatusNotFound},
	})
	if err == nil && found.id != "" {
		if u.found == nil {
			u.found = make(map[string]match)
		}
		u.found[l.Key()] = found
	}
	return found, err
}

// read shows what Kustomer holds of a customer now. A remembered one may be gone.
func (u *upsert) read(ctx context.Context, target match) (match, error) {
	call := sink.Call{Op: "GET /v1/customers/{id}", Path: "/v1/customers/" + segment(target.id)}
	if target.remembered {
		call.Answers = []int{http.StatusNotFound, http.StatusUnprocessableEntity}
	}
	found, err := u.get(ctx, call)
	if err == nil && found.id == "" && target.remembered {
		return match{}, errGone
	}
	found.id, found.remembered = target.id, target.remembered
	return found, err
}

// get makes a call whose answer shows a customer.
func (u *upsert) get(ctx context.Context, call sink.Call) (match, error) {
	call.Method, call.Lookup, call.Accept = "GET", true, acceptCustomer
	reply, err := u.do.Do(ctx, call)
	if err != nil || !reply.OK() {
		u.planned = u.planned || reply.Planned
		return match{}, err
	}
	data := reply.JSON().Get("data")
	found := match{id: idText(data.Get("id")), shown: true, attributes: data.Get("attributes"), company: companyOf(data)}
	if found.id != "" {
		u.seen(found)
	}
	return found, nil
}

// companyOf is the id of the company to which an answer shows a customer linked.
func companyOf(data mapping.Value) string {
	return idText(data.Get("relationships", "company", "data", "id"))
}

// segment escapes a value for a path. The plus is escaped too: Kustomer's documents ask
// for it, as some servers read one as a blank.
func segment(value string) string {
	return strings.ReplaceAll(url.PathEscape(value), "+", "%2B")
}

// errNoCustomer is said of a lookup's 2xx answer that names no customer.
var errNoCustomer = errors.New("it names no customer")

func acceptCustomer(reply sink.Reply) error {
	if !kustomer.ValidID(idText(reply.JSON().Get("data", "id"))) {
		return errNoCustomer
	}
	return nil
}
