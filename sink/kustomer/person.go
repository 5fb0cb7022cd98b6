package kustomer

import (
	"context"
	"errors"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
)

// contactStepName is the name of the step that saves the customer of a rule.
const contactStepName = "contact"

// againName is the name of a step that is taken for a second object, the first being gone.
func againName(step string) string { return step + ":again" }

// asked is what a rule asks for of the customer.
type asked struct {
	create  bool
	fields  mapping.Value   // custom attributes, absent for none
	tags    []mapping.Value // to join
	company string          // by name, "" for none
	base    bool            // what the destination does without rules is done in the same call
}

// something reports whether a write of the customer may be needed.
func (a *asked) something() bool {
	return a.create || a.base || a.fields.Exists() || len(a.tags) > 0 || a.company != ""
}

// saveCustomer finds the customer, or makes it, and gives it what the rule asks for. again says
// that a remembered one was gone: memory is not asked.
func (w *work) saveCustomer(ctx context.Context, again bool) error {
	step := contactStepName
	if again {
		step = againName(step)
	}
	if w.do.Begun(step) {
		made, err := w.do.Change(ctx, sink.Change{Step: step})
		w.receipt.IDs[customerID], w.customer, w.gone = made.IDs[customerID], made.IDs[customerID], !again
		return w.took(made, err)
	}
	u := upsert{memory: w.memory(), do: w.do, receipt: &w.receipt, ruled: &ruledCustomer{step: step, whole: w.Person.Customer}}
	target, err := w.findPerson(ctx, &u, again)
	if err != nil {
		return err
	}
	if target.id == "" && !w.asked.create {
		if !u.planned {
			return sink.NotFound(sink.ContactNotFound, "no customer has an id or an address of the event")
		}
		target.id = placeholder
	}
	company, err := w.company(ctx)
	if err != nil {
		return err
	}
	joins := company
	if target.company == company { // as its lookup shows
		joins = ""
	}
	for _, less := range w.lessAsked() {
		u.ruled.without = append(u.ruled.without, lessOfCustomer{less.left, less.of(u.ruled.whole, company), less.of(w.base(), joins)})
	}
	u.ruled.change = w.asked.of(w.base(), joins)
	u.ruled.whole = w.asked.of(u.ruled.whole, company)
	w.customer, w.gone = target.id, target.remembered
	if target.id != "" && u.ruled.change.Len() == 0 { // it need not be written
		w.receipt.IDs[customerID] = target.id
		if joins != company {
			w.do.Skip(step, nil)
		}
		return nil
	}
	return w.save(ctx, &u, target)
}

// lessAsked is what is asked for of the customer, without what a warning says.
type lessAsked struct {
	asked
	left string
}

// lessAsked returns what is asked for without what Kustomer may refuse, in the order in which it is
// tried; nothing for a strict rule.
func (w *work) lessAsked() (list []lessAsked) {
	if w.Decision.Strict {
		return nil
	}
	add := func(left string, without ...func(*asked)) {
		less := w.asked
		for _, change := range without {
			change(&less)
		}
		list = append(list, lessAsked{less, left + ": left out, Kustomer refused the customer with them"})
	}
	noFields, noTags := func(a *asked) { a.fields = mapping.Value{} }, func(a *asked) { a.tags = nil }
	if w.asked.fields.Exists() {
		add("contact.fields", noFields)
	}
	if len(w.asked.tags) > 0 {
		add("contact.groups", noTags)
	}
	if w.asked.fields.Exists() && len(w.asked.tags) > 0 {
		add("contact.fields, contact.groups", noFields, noTags)
	}
	return list
}

// findPerson finds the customer.
func (w *work) findPerson(ctx context.Context, u *upsert, again bool) (match, error) {
	switch {
	case w.Person.ID != "":
		return match{id: w.Person.ID}, nil
	case again:
		return u.lookUp(ctx)
	}
	return u.find(ctx)
}

// save makes the write.
func (w *work) save(ctx context.Context, u *upsert, target match) error {
	delete(w.receipt.IDs, customerID)
	err := u.save(ctx, target)
	if left := u.ruled.left; left != "" {
		w.warn(left)
	}
	if errors.Is(err, mapping.NothingToUpdate) {
		w.do.Skip(u.ruled.step, nil)
		w.customer = w.receipt.IDs[customerID]
		return nil
	}
	if err != nil {
		w.forgetCompany(err)
		return err
	}
	w.writes++
	switch w.customer = w.receipt.IDs[customerID]; {
	case w.customer != "":
		w.gone, w.isNew = false, u.ruled.made
	case u.planned:
		w.customer, w.isNew = placeholder, true
	default:
		return &sink.Failure{
			Stage: sink.StageRequest, Class: sink.Unknown, Code: sink.BadAnswer,
			Message: "the answer to the new customer holds no id, so the rule cannot go on with it",
		}
	}
	return nil
}

// base is what an update gives the customer besides what the rule asks for.
func (w *work) base() mapping.Value {
	if w.asked.base {
		return w.Person.Customer
	}
	return mapping.Obj()
}

// of is a customer with what the rule asks for.
func (a *asked) of(customer mapping.Value, company string) mapping.Value {
	var members []mapping.Member
	custom, tags := mapping.Obj(), []mapping.Value(nil)
	for _, m := range customer.Members() {
		switch {
		case m.Name == "custom" && a.fields.Exists():
			custom = m.Value
		case m.Name == "tags" && len(a.tags) > 0:
			for _, tag := range m.Value.Members() {
				tags = append(tags, tag.Value)
			}
		case m.Name == "company" && company != "":
		default:
			members = append(members, m)
		}
	}
	if company != "" {
		members = append(members, mapping.Member{Name: "company", Value: mapping.Str(company)})
	}
	if tags = withTags(tags, a.tags); len(tags) > 0 {
		members = append(members, mapping.Member{Name: "tags", Value: mapping.Arr(tags...)})
	}
	if a.fields.Exists() {
		names := make([]string, 0, a.fields.Len())
		for _, m := range a.fields.Members() {
			names = append(names, m.Name)
		}
		kept := custom.Without(names...).Members()
		members = append(members, mapping.Member{Name: "custom", Value: mapping.Obj(append(kept[:len(kept):len(kept)], a.fields.Members()...)...)})
	}
	return mapping.Obj(members...)
}

// withTags are tags and more of them, each once.
func withTags(tags, more []mapping.Value) []mapping.Value {
	seen := make(map[string]bool)
	var all []mapping.Value
	for _, list := range [][]mapping.Value{tags, more} {
		for _, tag := range list {
			if !seen[tag.Str()] && len(all) < kustomer.MaxTags {
				seen[tag.Str()] = true
				all = append(all, tag)
			}
		}
	}
	return all
}
