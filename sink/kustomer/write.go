package kustomer

import (
	"cmp"
	"context"
	"net/http"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
)

// refusal is a write that Kustomer answered 409 or 400.
type refusal struct {
	call  sink.Call
	reply sink.Reply
	// target is the customer of an update; the zero match for a create.
	target match
	body   body
}

// create makes the customer. It may be repeated: the externalId is unique, so a second
// one is answered 409, as is one that loses a race. Then it is there, and is updated;
// the update is made even if the lookup shows all of it, because what it shows
// may be this event's own create, whose answer was lost.
func (u *upsert) create(ctx context.Context) error {
	b := u.newCustomer()
	call := sink.Call{
		Op: "POST /v1/customers", Method: "POST", Path: "/v1/customers",
		Body: b.value(), Answers: []int{http.StatusConflict},
	}
	if b.carriesIdentifiers() || u.mayLeaveOut() {
		call.Answers = append(call.Answers, http.StatusBadRequest)
	}
	reply, err := u.write(ctx, call)
	switch {
	case err != nil || reply.Planned:
		return err
	case !reply.OK():
		return u.resolve(ctx, refusal{call: call, reply: reply, body: b})
	case u.ruled != nil:
		u.ruled.made = true
	}
	id := idText(reply.JSON().Get("data", "id"))
	if !kustomer.ValidID(id) {
		u.warn("Kustomer's answer to the create has no customer id")
		return nil
	}
	u.settle(id, &b, &reply)
	return nil
}

// update changes the given fields of a customer and leaves the others, which is what
// replace=false says. After a refusal it is made even if nothing is left to change, because
// what the customer has may be this event's own write, whose answer was lost.
func (u *upsert) update(ctx context.Context, target match) error {
	target, err := u.show(ctx, target)
	if err != nil {
		return err
	}
	b, changes := u.change(target)
	switch {
	case b.empty && u.insists && !u.resolved && !u.withoutLists:
		u.settle(target.id, &b, nil)
		return nil // the refused write, repeated after a lost answer, was enough
	case b.empty || !changes && !u.insists:
		u.settle(target.id, &b, nil)
		return mapping.NothingToUpdate
	}
	call := sink.Call{
		Op: "PUT /v1/customers/{id}", Method: "PUT",
		Path: "/v1/customers/" + segment(target.id), Query: "replace=false",
		Body: b.value(), Answers: u.answersTo(target, &b),
	}
	reply, err := u.write(ctx, call)
	switch {
	case err != nil:
		return err
	case reply.Planned:
		u.receipt.IDs[customerID] = target.id
		return nil
	case reply.OK():
		u.settle(target.id, &b, &reply)
		return nil
	case reply.Status == http.StatusConflict:
		return u.conflict(ctx, refusal{call, reply, target, b})
	case reply.Status == http.StatusBadRequest:
		return u.resolve(ctx, refusal{call, reply, target, b})
	}
	return errGone
}

// answersTo are the statuses that an update of the target has a use for.
func (u *upsert) answersTo(target match, b *body) []int {
	answers := append(make([]int, 0, 4), http.StatusConflict)
	if target.remembered {
		answers = append(answers, http.StatusNotFound, http.StatusUnprocessableEntity)
	}
	if b.merged || b.carriesIdentifiers() || u.mayLeaveOut() {
		answers = append(answers, http.StatusBadRequest)
	}
	return answers
}

// mayLeaveOut reports whether a refused write is made once more, without something of a
// rule's.
func (u *upsert) mayLeaveOut() bool { return u.ruled != nil && len(u.ruled.without) > 0 }

// show reads a customer that nothing made for this event has shown, if lists have to be
// merged, memory does not have all of the event's entries, and no answer to a write of
// ours has just shown them.
func (u *upsert) show(ctx context.Context, target match) (match, error) {
	if target.shown {
		return target, nil
	}
	k := target.known
	if !target.remembered {
		k = u.known(target.id)
	}
	target.company = k.company
	if _, seen := u.ids.Get(customerKey(target.id)); u.ruled != nil && !seen && target.id != placeholder {
		return u.read(ctx, target) // it may have a company, which an update has to name
	}
	if !u.merges() || u.has(k) {
		return target, nil
	}
	if target.attributes = u.attributes(k.latest); target.attributes.Exists() {
		target.shown = true
		return target, nil
	}
	return u.read(ctx, target)
}

// settle notes that the customer with the given id now is as the event says. reply is the
// answer to the write, nil if there was nothing to write.
func (u *upsert) settle(id string, b *body, reply *sink.Reply) {
	u.receipt.IDs[customerID] = id
	sent := b.value()
	var data mapping.Value
	if reply != nil {
		data = reply.JSON().Get("data")
	}
	u.ids.Change(customerKey(id), func(was string) (string, bool) {
		before := parseKnown(was)
		k := before
		k.owner = cmp.Or(sent.Get("externalId").Str(), k.owner)
		k.company = cmp.Or(companyOf(data), sent.Get("company").Text())
		if reply != nil {
			k.latest = k.latest.after(sent, data.Get("attributes"))
		}
		if u.step.Mode == kustomer.ReplaceLists && len(b.there) > 0 {
			k.facts = "" // what went out has replaced it
		}
		for _, l := range b.there {
			for _, e := range l.Entries {
				k.facts = k.facts.with(factOf(l.Name, e))
			}
		}
		// A company is sent back, so it may not get older than what is remembered: people
		// change it at the desk.
		renews := k.company == ""
		if k == before {
			return was, renews
		}
		return k.text(), renews
	})
	for _, l := range u.step.Lookups {
		key := l.Key()
		if holder, asked := u.found[key]; asked && holder.id != id {
			continue // it is somebody else's
		}
		u.ids.Put(key, id)
	}
}
