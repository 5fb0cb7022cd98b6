package kustomer

import (
	"cmp"
	"context"
	"net/http"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

const objectIDName = "object_id"

// object is an object of the customer's own that a rule makes or changes.
type object struct {
	class, external, title string
	data                   []mapping.Member
}

// resolveObject makes a task of an object, nil for one whose class the desk does not have. Error: a
// *mapping.Error, invalid_id.
func (w *work) resolveObject(ctx context.Context, a rules.UpsertObject) (task, error) {
	if !kustomer.ValidExternalID(a.ID) {
		return nil, mapping.FieldError(mapping.InvalidID, "object.id", "is longer than 256 characters, or could be taken for a path")
	}
	if name, err := w.find(ctx, klasses, a.Class); err != nil || name == "" {
		return nil, err
	}
	title, isCut := kustomer.Line(a.Title, kustomer.MaxTitle)
	o := object{class: a.Class, external: a.ID, title: title}
	if isCut {
		w.warn("object.title was cut at 256 characters")
	}
	for _, f := range a.Data {
		o.data = append(o.data, mapping.Member{Name: f.Name, Value: valueOf(f)})
	}
	return func(ctx context.Context) error { return w.saveObject(ctx, o) }, nil
}

// saveObject looks the object up by its owner's id, and makes or changes it. There is no upsert, so
// another one may make it meanwhile, which is answered 409, or change it or take it away.
func (w *work) saveObject(ctx context.Context, o object) error {
	for {
		shown, there, err := w.showObject(ctx, o)
		if err != nil {
			return err
		}
		if of := customerOf(shown); of != "" && of != w.customer {
			return w.othersObject(o)
		}
		c := w.newObject(o)
		if there {
			change, changes := o.change(shown)
			if !changes {
				w.receipt.IDs[objectIDName] = pathID(shown.Get("id"))
				w.do.Skip(change.Step, nil)
				return nil
			}
			c = change
		}
		made, err := w.change(ctx, c)
		switch {
		case err != nil:
			return err
		case made.State != "" || made.Reply.Planned:
			if id := cmp.Or(made.IDs[objectIDName], pathID(shown.Get("id"))); id != "" {
				w.receipt.IDs[objectIDName] = id
			}
			return nil
		case !there && made.Reply.Status == http.StatusNotFound:
			return errGone // the customer is
		}
		if err := w.do.CountFailure(ctx, c.Call, made.Reply); err != nil {
			return err
		}
	}
}

// othersObject leaves an object alone, which the desk shows to be another customer's.
func (w *work) othersObject(o object) error {
	if w.gone {
		return errGone // the remembered customer may have been merged into another
	}
	w.warn("the object that the rule names is another customer's: it was left alone")
	w.do.Skip(o.step(), nil)
	return nil
}

func (w *work) showObject(ctx context.Context, o object) (data mapping.Value, there bool, err error) {
	reply, err := w.do.Do(ctx, sink.Call{
		Op: "GET /v1/klasses/{name}/externalId={externalId}", Method: http.MethodGet,
		Path:   "/v1/klasses/" + segment(o.class) + "/externalId=" + segment(o.external),
		Lookup: true, Answers: []int{http.StatusNotFound}, Accept: acceptOne,
	})
	if err != nil || !reply.OK() {
		return mapping.Value{}, false, err
	}
	return reply.JSON().Get("data"), true, nil
}

func (o *object) step() string { return objectStep(o.class) }

// objectStep is the name of the step about an object of a class.
func objectStep(class string) string { return "object:" + class }

func objectIDs(reply sink.Reply) map[string]string { return idsOf(objectIDName, reply) }

// newObject makes the object. Its title is required.
func (w *work) newObject(o object) sink.Change {
	body := []mapping.Member{
		{Name: "externalId", Value: mapping.Str(o.external)}, {Name: "title", Value: mapping.Str(cmp.Or(o.title, o.external))},
	}
	if len(o.data) > 0 {
		body = append(body, mapping.Member{Name: "data", Value: mapping.Obj(o.data...)})
	}
	return sink.Change{Step: o.step(), IDs: objectIDs, Call: sink.Call{
		Op: "POST /v1/customers/{id}/klasses/{name}", Method: http.MethodPost,
		Path: "/v1/customers/" + segment(w.customer) + "/klasses/" + segment(o.class),
		Body: mapping.Obj(body...), Answers: append(w.ofCustomer(), http.StatusConflict),
	}}
}

// change changes the object that an answer shows, and reports whether anything has to change. An
// update may set data whole, so it has what is there; with its revision, so that nothing is lost.
func (o *object) change(shown mapping.Value) (sink.Change, bool) {
	attributes := shown.Get("attributes")
	var body []mapping.Member
	if o.title != "" && attributes.Get("title").Str() != o.title {
		body = append(body, mapping.Member{Name: "title", Value: mapping.Str(o.title)})
	}
	was := attributes.Get("data")
	if data := mapping.Obj(o.data...); !same(was, data) && len(o.data) > 0 {
		names := make([]string, len(o.data))
		for i, m := range o.data {
			names[i] = m.Name
		}
		kept := was.Without(names...).Members()
		body = append(body, mapping.Member{Name: "data", Value: mapping.Obj(append(kept[:len(kept):len(kept)], o.data...)...)})
		if rev := attributes.Get("rev"); rev.Kind() == mapping.Number {
			body = append(body, mapping.Member{Name: "rev", Value: rev})
		}
	}
	return sink.Change{Step: o.step(), IDs: objectIDs, Call: sink.Call{
		Op: "PUT /v1/klasses/{name}/{id}", Method: http.MethodPut,
		Path: "/v1/klasses/" + segment(o.class) + "/" + segment(pathID(shown.Get("id"))),
		Body: mapping.Obj(body...), Answers: []int{http.StatusNotFound, http.StatusConflict},
	}}, len(body) > 0
}
