package trengo

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// profilePlaceholder stands in planned calls for the id of a profile that is not there yet.
const profilePlaceholder = "<id of the profile>"

// profileKey is the name under which the id of a profile is remembered.
func profileKey(name string) string { return "\x00profile\x00" + name }

// profile returns the id of the profile of a name, which is made as a step if there is none, and
// whether it was remembered. Names are not unique at Trengo, so one event at a time makes one; other processes
// may make another.
func (w *work) profile(ctx context.Context, step, name string) (id string, remembered bool, err error) {
	if id, ok := w.ids.Get(profileKey(name)); ok && !w.do.Begun(step) {
		w.do.Skip(step, map[string]string{profileIDName: id})
		return id, true, nil
	}
	err = w.ids.Alone(ctx, w.do, "\x00find"+profileKey(name), func(ctx context.Context) (err error) {
		id, err = w.findOrMakeProfile(ctx, step, name)
		return err
	})
	if err == nil && id != profilePlaceholder {
		w.ids.Put(profileKey(name), id)
	}
	return id, false, err
}

func (w *work) findOrMakeProfile(ctx context.Context, step, name string) (string, error) {
	if !w.do.Begun(step) {
		found, err := w.searchProfile(ctx, name)
		if err != nil {
			return "", err
		}
		if found != "" {
			w.do.Skip(step, map[string]string{profileIDName: found})
			return found, nil
		}
	}
	made, err := w.do.Once(ctx, sink.Effect{
		Step: step, Exact: true, // any profile of the name will do
		Call: sink.Call{
			Op: "POST /profiles", Method: http.MethodPost, Path: "/profiles", Unrepeatable: true,
			Body: mapping.Obj(mapping.Member{Name: "name", Value: mapping.Str(name)}),
		},
		Prepare: func(context.Context) error { return nil },
		Mark:    func() sink.Mark { return sink.Mark{markText: digest(name)} },
		Find: func(ctx context.Context, mark sink.Mark) (sink.Sighting, error) {
			if mark[markText] != digest(name) {
				return sink.Sighting{Refused: true}, nil // of another name, before the rule changed
			}
			found, err := w.searchProfile(ctx, name)
			if found == "" || err != nil {
				return sink.Sighting{}, err
			}
			return sink.Sighting{IDs: map[string]string{profileIDName: found}}, nil
		},
		IDs: func(r sink.Reply) map[string]string {
			if id := contactID(r.JSON()); id != "" {
				return map[string]string{profileIDName: id}
			}
			return nil
		},
	})
	id := made.IDs[profileIDName]
	switch {
	case err != nil || made.Reply.Planned:
		return profilePlaceholder, w.took(made, err)
	case made.State != sink.StepSkipped:
		err = w.took(made, nil)
	}
	if id == "" && err == nil {
		if id, err = w.searchProfile(ctx, name); id == "" && err == nil {
			err = &sink.Failure{
				Stage: sink.StageRequest, Class: sink.Unknown, Code: sink.BadAnswer, Status: made.Reply.Status,
				Message: "the answer to the new profile holds no id, and no search finds it",
			}
		}
	}
	return id, err
}

// searchProfile returns the id of the profile of a name, the lowest of the first page that has one,
// "" for none. Vendor: a search finds parts of names.
func (w *work) searchProfile(ctx context.Context, name string) (id string, err error) {
	for page := 1; page <= maxPages; page++ {
		reply, err := w.do.Do(ctx, sink.Call{
			Op: "GET /profiles", Method: http.MethodGet, Path: "/profiles",
			Query: url.Values{"page": {strconv.Itoa(page)}, "term": {name}}.Encode(), Lookup: true, Accept: acceptList,
		})
		if err != nil || reply.Planned {
			return "", err
		}
		body := reply.JSON()
		for _, m := range entries(body) {
			if found := contactID(m.Value); found != "" && mapping.OneLine(m.Value.Get("name").Str()) == name && (id == "" || byNumber(found, id) < 0) {
				id = found
			}
		}
		if id != "" || !followed(body) || len(entries(body)) == 0 {
			break
		}
	}
	return id, nil
}
