package kustomer

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// making is a write that makes something of ours, once. It carries an externalId of the event's
// own, by which what it made is looked for, and a second one is refused, as a conflict or, since
// that is not said, as a bad request.
type making struct {
	step string
	id   string // its name in a Receipt
	call sink.Call
	// body are the members besides externalId.
	body []mapping.Member
	// on is what it is added to, where that has to be known to look for it; else "".
	on string
	// lenient says that refusedNames are answers.
	lenient bool
	find    func(ctx context.Context, external, on string) (sink.Sighting, error)
}

// The members of a mark.
const (
	markExternalID = "external_id"
	markOn         = "on"
)

// once makes it. The answer may be one of the call's Answers, and then nothing was made.
func (w *work) once(ctx context.Context, m making) (sink.Effected, error) {
	external := "ds-" + w.do.Ref(w.Decision.Rule+"/"+m.step)
	m.call.Method, m.call.Unrepeatable = http.MethodPost, true
	m.call.Body = mapping.Obj(append([]mapping.Member{{Name: "externalId", Value: mapping.Str(external)}}, m.body...)...)
	duplicate := []int{http.StatusConflict, http.StatusBadRequest}
	if m.lenient {
		duplicate, m.call.Answers = duplicate[:1], slices.Concat(m.call.Answers, refusedNames)
	}
	made, err := w.do.Once(ctx, sink.Effect{
		Step: m.step, Call: m.call, Exact: true, Duplicate: duplicate,
		Prepare: func(context.Context) error { return nil },
		Mark: func() sink.Mark {
			mark := sink.Mark{markExternalID: external}
			if m.on != "" {
				mark[markOn] = m.on
			}
			return mark
		},
		Find: func(ctx context.Context, mark sink.Mark) (sink.Sighting, error) {
			if mark[markExternalID] == "" || m.on != "" && mark[markOn] == "" {
				return sink.Sighting{Refused: true}, nil // of a version that marks them otherwise
			}
			return m.find(ctx, mark[markExternalID], mark[markOn])
		},
		IDs: func(reply sink.Reply) map[string]string { return idsOf(m.id, reply) },
	})
	switch id := made.IDs[m.id]; {
	case err != nil:
	case id != "":
		w.receipt.IDs[m.id] = id
	case made.State == sink.StepDone:
		w.warn("Kustomer's answer to the new " + m.step + " has no id")
	}
	return made, w.took(made, err)
}

// byExternalID looks for something of ours under an address that ends with its externalId.
func (w *work) byExternalID(path, id string) func(context.Context, string, string) (sink.Sighting, error) {
	return func(ctx context.Context, external, _ string) (sink.Sighting, error) {
		reply, err := w.do.Do(ctx, sink.Call{
			Op: "GET " + path + "{externalId}", Method: http.MethodGet, Path: path + segment(external),
			Lookup: true, Patient: true, Answers: []int{http.StatusNotFound}, Accept: acceptOne,
		})
		if err != nil || !reply.OK() {
			return sink.Sighting{}, err
		}
		return sink.Sighting{IDs: idsOf(id, reply)}, nil
	}
}

var errNoObject = errors.New("its body holds no object with an id")

// acceptOne is a Call's Accept for a single object.
func acceptOne(reply sink.Reply) error {
	if pathID(reply.JSON().Get("data", "id")) == "" {
		return errNoObject
	}
	return nil
}
