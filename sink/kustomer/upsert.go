package kustomer

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
)

// lookupOps are the templates of the lookups, by key.
var lookupOps = map[kustomer.Key]string{
	kustomer.ByEmail:      "GET /v1/customers/email={email}",
	kustomer.ByExternalID: "GET /v1/customers/externalId={id}",
}

// upsert is one Upsert under way.
type upsert struct {
	memory
	do      sink.Doer
	receipt *sink.Receipt
}

// match is a customer that was found; the zero match is none.
type match struct {
	id string
	// remembered marks an id that may be out of date.
	remembered bool
	// attributes are what a lookup made for this event showed; absent without one.
	attributes mapping.Value
}

func (u *upsert) run(ctx context.Context) error {
	if u.step.ID != "" {
		_, err := u.update(ctx, u.step.ID)
		return err
	}
	found, err := u.find(ctx)
	if err != nil {
		return err
	}
	if found.remembered {
		status, err := u.update(ctx, found.id, http.StatusNotFound, http.StatusUnprocessableEntity)
		if err != nil || isOK(status) {
			return err
		}
		u.forget(found.id)
		if found, err = u.lookUp(ctx); err != nil {
			return err
		}
	}
	switch {
	case found.id == "":
		return u.create(ctx)
	case holds(found.attributes, u.step.Customer):
		u.settle(found.id)
		return mapping.NothingToUpdate
	default:
		_, err = u.update(ctx, found.id)
		return err
	}
}

// find tries the lookups in order and lets what is remembered, or what another event
// is finding out, stand in for each of them.
func (u *upsert) find(ctx context.Context) (match, error) {
	for _, l := range u.step.Lookups {
		var found match
		id, how, err := u.ids.FindFor(ctx, u.do, lookupKey(l), func(ctx context.Context) (string, error) {
			var err error
			found, err = u.ask(ctx, l)
			return found.id, err
		})
		switch {
		case err != nil:
			return match{}, err
		case how == sink.Cached && u.mayAnswer(l, id):
			return match{id: id, remembered: true}, nil
		case how == sink.Cached:
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
	reply, err := u.do.Do(ctx, sink.Call{
		Op: lookupOps[l.By], Method: "GET",
		Path:   "/v1/customers/" + string(l.By) + "=" + url.PathEscape(l.Value),
		Lookup: true, Answers: []int{http.StatusNotFound}, Accept: acceptCustomer,
	})
	if err != nil || !reply.OK() {
		return match{}, err
	}
	data := reply.JSON().Get("data")
	found := match{id: idText(data.Get("id")), attributes: data.Get("attributes")}
	u.seen(found)
	return found, nil
}

// errNoCustomer is said of a lookup's 2xx answer that names no customer.
var errNoCustomer = errors.New("it names no customer")

func acceptCustomer(reply sink.Reply) error {
	if !kustomer.ValidID(idText(reply.JSON().Get("data", "id"))) {
		return errNoCustomer
	}
	return nil
}

// update changes the given fields of a customer and leaves the others, which is what
// replace=false says. Statuses in answers are returned.
func (u *upsert) update(ctx context.Context, id string, answers ...int) (status int, err error) {
	reply, err := u.do.Do(ctx, sink.Call{
		Op: "PUT /v1/customers/{id}", Method: "PUT",
		Path: "/v1/customers/" + url.PathEscape(id), Query: "replace=false",
		Body: u.step.Customer, Answers: answers,
	})
	if err != nil {
		return 0, err
	}
	if reply.Planned {
		u.receipt.IDs[customerID] = id
		return http.StatusOK, nil
	}
	if reply.OK() {
		u.settle(id)
	}
	return reply.Status, nil
}

// create makes the customer. It may be repeated: the externalId is unique, so a second
// one is answered 409, as is one that loses a race. Then it is there, and is updated;
// the update is made even if the lookup shows all of it, because what it shows
// may be this event's own create, whose answer was lost.
func (u *upsert) create(ctx context.Context) error {
	reply, err := u.do.Do(ctx, sink.Call{
		Op: "POST /v1/customers", Method: "POST", Path: "/v1/customers",
		Body: u.step.Customer, Answers: []int{http.StatusConflict},
	})
	if err != nil || reply.Planned {
		return err
	}
	if !reply.OK() {
		return u.updateDuplicate(ctx)
	}
	id := idText(reply.JSON().Get("data", "id"))
	if !kustomer.ValidID(id) {
		u.receipt.Warnings = append(u.receipt.Warnings, "Kustomer's answer to the create has no customer id")
		return nil
	}
	u.settle(id)
	return nil
}

func (u *upsert) updateDuplicate(ctx context.Context) error {
	found, err := u.lookUp(ctx)
	if err != nil {
		return err
	}
	if found.id == "" {
		return &sink.Failure{
			Stage: sink.StageRequest, Class: sink.Rejected,
			Code: sink.HTTPCode(http.StatusConflict), Status: http.StatusConflict,
			Message: "the API refused the create as a duplicate, but no lookup finds the customer",
		}
	}
	_, err = u.update(ctx, found.id)
	return err
}

// settle notes that the customer with the given id now is as the event says.
func (u *upsert) settle(id string) {
	u.receipt.IDs[customerID] = id
	u.written(id)
}

func isOK(status int) bool { return sink.Reply{Status: status}.OK() }
