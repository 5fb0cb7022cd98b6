package trengo

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

// The names of the steps about a contact's groups and profile.
const (
	groupsStepName       = "groups"
	profileStepName      = "profile"
	profileAgainStepName = "profile:again" // the first, which was remembered, is gone
	joinStepName         = "join_profile"
)

// profileIDName is the name of a profile's id in a Receipt.
const profileIDName = "profile_id"

// person asks for the contact, once; what plan cannot ask for is absent.
func (w *work) person(ctx context.Context) (mapping.Value, error) {
	if w.shown.Exists() || w.contact == placeholder {
		return w.shown, nil
	}
	shown, err := w.lookAt(ctx)
	if shown.Exists() {
		w.gone = nil // it is there
	}
	w.shown = shown
	return shown, err
}

// lookAt asks for the contact.
func (w *work) lookAt(ctx context.Context) (mapping.Value, error) {
	reply, err := w.do.Do(ctx, sink.Call{
		Op: "GET /contacts/{id}", Method: http.MethodGet, Path: "/contacts/" + url.PathEscape(w.contact), Lookup: true,
		Answers: []int{http.StatusNotFound},
	})
	switch {
	case err != nil || reply.Planned:
		return mapping.Value{}, err
	case reply.OK():
		return reply.JSON(), nil
	case slices.Contains(w.gone, reply.Status):
		w.refusal = reply
		return mapping.Value{}, errContactGone
	}
	return mapping.Value{}, sink.NotFound(sink.ContactNotFound, "the event's contact is not there any more")
}

// planGroups looks up the groups that the contact joins.
func (w *work) planGroups(ctx context.Context, names []string) error {
	var ids []string
	for _, name := range names {
		id, err := w.find(ctx, groups, name)
		if err != nil {
			return err
		}
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		w.skips(groupsStepName)
		return nil
	}
	w.add(func(ctx context.Context) error {
		return w.ids.Alone(ctx, w.do, "\x00groups\x00"+w.contact, func(ctx context.Context) error { return w.joinGroups(ctx, ids) })
	})
	return nil
}

// joinGroups adds the contact to groups. Whether an update replaces its groups or adds to them is
// not documented, so all go out: those that it has, and the new ones.
func (w *work) joinGroups(ctx context.Context, ids []string) error {
	changed := "\x00groups changed\x00" + w.contact
	if _, known := w.ids.Get(changed); known || !w.isNew {
		w.shown = mapping.Value{} // another event may have changed them
	}
	defer w.ids.Put(changed, w.contact)
	shown, err := w.person(ctx)
	if err != nil {
		return err
	}
	all := idsIn(shown.Get("groups"))
	if hasAll(all, ids) {
		w.do.Skip(groupsStepName, nil)
		return nil
	}
	var list []mapping.Value
	for _, id := range slices.Compact(slices.SortedFunc(slices.Values(slices.Concat(all, ids)), byNumber)) {
		list = append(list, idValue(id))
	}
	return w.orLeaveOut("the contact groups", func() (sink.Effected, error) {
		return w.change(ctx, sink.Change{
			Step: groupsStepName, Refusals: refusals, Lenient: !w.Decision.Strict,
			Call: sink.Call{
				Op: "PUT /contacts/{id}", Method: http.MethodPut, Path: "/contacts/" + url.PathEscape(w.contact),
				Body: mapping.Obj(mapping.Member{Name: "contact_group_ids", Value: mapping.Arr(list...)}),
			},
			Already: func(ctx context.Context) (bool, error) {
				shown, err := w.lookAt(ctx)
				return err == nil && hasAll(idsIn(shown.Get("groups")), ids), err
			},
		})
	}, groupsStepName)
}

// hasAll reports whether a list has all wanted texts.
func hasAll(list, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(id string) bool { return !slices.Contains(list, id) })
}

// byNumber orders ids, those that are numbers by their size.
func byNumber(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// orLeaveOut makes a change, and leaves it out with a warning where Trengo refused it and the rule is
// not strict.
func (w *work) orLeaveOut(what string, change func() (sink.Effected, error), step string) error {
	made, err := change()
	if err == nil && isRefusal(made) {
		w.warn("Trengo refused " + what + " (" + strconv.Itoa(made.Reply.Status) + "): left out")
		w.do.Skip(step, nil)
	}
	return err
}

// idsIn are the ids of the objects in a list, which may be plain ids.
func idsIn(list mapping.Value) (ids []string) {
	for _, m := range list.Members() {
		id := contactID(m.Value)
		if id == "" {
			id = scalar(m.Value)
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// joinProfile makes the contact one of the profile of a name, which is made if there is none.
func (w *work) joinProfile(ctx context.Context, name string) error {
	shown, err := w.person(ctx)
	if err != nil {
		return err
	}
	for _, p := range profilesOf(shown) {
		if id := contactID(p); id != "" && mapping.OneLine(p.Get("name").Str()) == name && !w.do.Begun(profileStepName) {
			w.do.Skip(profileStepName, map[string]string{profileIDName: id})
			w.receipt.IDs[profileIDName] = id
			w.do.Skip(joinStepName, nil)
			return nil
		}
	}
	kind := w.channelTypeOf(shown)
	if kind == "" {
		w.warn("the contact shows no channel, so it cannot join a profile: left out")
		w.do.Skip(joinStepName, nil)
		return nil
	}
	step := profileStepName
	if w.do.Begun(profileAgainStepName) {
		step = profileAgainStepName
	}
	id, remembered, err := w.profile(ctx, step, name)
	if err != nil {
		return err
	}
	gone, err := w.join(ctx, id, kind, remembered)
	if err == nil && gone {
		w.ids.Drop(profileKey(name))
		if id, _, err = w.profile(ctx, profileAgainStepName, name); err == nil {
			_, err = w.join(ctx, id, kind, false)
		}
	}
	return err
}

// join makes the contact one of a profile. It reports whether a remembered profile is gone.
func (w *work) join(ctx context.Context, profile, kind string, remembered bool) (gone bool, err error) {
	w.receipt.IDs[profileIDName] = profile
	c := sink.Change{
		Step: joinStepName, Refusals: alreadySo, Lenient: !w.Decision.Strict,
		Call: sink.Call{
			Op: "POST /profiles/{id}/contacts", Method: http.MethodPost, Path: "/profiles/" + url.PathEscape(profile) + "/contacts",
			Body: mapping.Obj(
				mapping.Member{Name: "contact_id", Value: idValue(w.contact)},
				mapping.Member{Name: "type", Value: mapping.Str(kind)},
			),
		},
		Already: func(ctx context.Context) (bool, error) {
			shown, err := w.lookAt(ctx)
			return err == nil && slices.ContainsFunc(profilesOf(shown), func(p mapping.Value) bool { return contactID(p) == profile }), err
		},
	}
	if remembered {
		c.Call.Answers = []int{http.StatusNotFound}
	}
	err = w.orLeaveOut("the profile", func() (sink.Effected, error) {
		made, err := w.do.Change(ctx, c)
		if gone = err == nil && made.State == "" && made.Reply.Status == http.StatusNotFound; gone {
			return sink.Effected{}, nil
		}
		return made, w.took(made, err)
	}, joinStepName)
	return gone, err
}

// profilesOf are the profiles that a contact shows.
func profilesOf(contact mapping.Value) (list []mapping.Value) {
	shown := contact.Get("profile")
	if shown.Kind() == mapping.Object {
		return []mapping.Value{shown}
	}
	for _, m := range shown.Members() {
		list = append(list, m.Value)
	}
	return list
}

// channelTypeOf is the type of a channel of the contact: the target's, else the first, "" if it
// shows none.
func (w *work) channelTypeOf(contact mapping.Value) (first string) {
	for _, m := range contact.Get("channels").Members() {
		typ := m.Value.Get("type").Str()
		if isChannel(m.Value, w.Contact.Channel) && typ != "" {
			return typ
		}
		first = cmp.Or(first, typ)
	}
	switch {
	case first == "" && w.Contact.Kind == trengo.Email:
		return eMail
	case !contact.Exists():
		return "<type of the contact's channel>" // in a plan
	}
	return first
}
