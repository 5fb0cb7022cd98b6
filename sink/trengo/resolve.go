package trengo

import (
	"context"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// resolve makes tasks of the rule's actions, with the ids of all that they name: an event that
// dies of a name dies before its first write.
func (w *work) resolve(ctx context.Context) error {
	for _, action := range w.Decision.Actions {
		if err := w.plan(ctx, action); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) plan(ctx context.Context, action rules.Action) error {
	switch a := action.(type) {
	case rules.SaveContact:
		w.create = w.create || a.Create
		return w.planFields(ctx, contactFields, a.Fields)
	case rules.JoinGroups:
		return w.planGroups(ctx, a.Names)
	case rules.SetProfile:
		w.add(func(ctx context.Context) error { return w.joinProfile(ctx, a.Name) })
	case rules.UseTicket:
		return w.planTicket(ctx, a)
	case rules.Assign:
		return w.planAssign(ctx, a)
	case rules.Label:
		return w.planLabels(ctx, a)
	case rules.SetFields:
		return w.planFields(ctx, ticketFields, a.Fields)
	case rules.NoteContact:
		w.add(func(ctx context.Context) error { return w.noteContact(ctx, a.Text) })
	case rules.Note:
		w.add(func(ctx context.Context) error { return w.say(ctx, &ticketNote, a.Text) })
	case rules.Message:
		w.add(func(ctx context.Context) error { return w.message(ctx, a) })
	case rules.SendMessage:
		return w.planSend(ctx, a)
	case rules.SetStatus:
		return w.planStatus(ctx, a)
	}
	return nil
}

func (w *work) add(t task) { w.tasks, w.needed = append(w.tasks, t), true }

// skips lists a step as skipped, at its place among the others.
func (w *work) skips(step string) {
	w.tasks = append(w.tasks, func(context.Context) error {
		w.do.Skip(step, nil)
		return nil
	})
}

func (w *work) planTicket(ctx context.Context, a rules.UseTicket) error {
	w.use = a
	if a.Find == rules.ByID && !isID(a.ID) {
		return sink.NotFound(mapping.InvalidID, "ticket.find.id gives no id of a ticket")
	}
	if a.Channel != "" {
		id, err := w.find(ctx, channels, a.Channel)
		if err != nil {
			return err
		}
		if id != "" {
			w.Contact.Channel = idValue(id)
		}
	}
	w.add(w.useTicket)
	return nil
}

// nameIn finds a name, and lists its step as skipped if it is not there.
func (w *work) nameIn(ctx context.Context, d directory, step, name string) (id string, err error) {
	id, err = w.find(ctx, d, name)
	if err == nil && id == "" {
		w.skips(step)
	}
	return id, err
}

func (w *work) planAssign(ctx context.Context, a rules.Assign) error {
	for _, to := range []struct {
		directory
		name string
	}{{teams, a.Team}, {users, a.User}} {
		if to.name == "" {
			continue
		}
		step := "assign:" + to.what
		id, err := w.nameIn(ctx, to.directory, step, to.name)
		if err != nil {
			return err
		}
		if id != "" {
			w.add(func(ctx context.Context) error { return w.assign(ctx, step, to.what, id) })
		}
	}
	return nil
}

func (w *work) planLabels(ctx context.Context, a rules.Label) error {
	kind := "label"
	if a.Off {
		kind = "unlabel"
	}
	seen := make(map[string]bool)
	for _, name := range a.Names {
		step := stepOf(kind, name)
		id, err := w.nameIn(ctx, labels, step, name)
		if err != nil {
			return err
		}
		if id != "" && !seen[id] {
			seen[id] = isID(id) // it may be named twice; in a plan it may be no id
			w.add(func(ctx context.Context) error { return w.label(ctx, step, id, a.Off) })
		}
	}
	return nil
}

func (w *work) planFields(ctx context.Context, of directory, fields []rules.Named) error {
	for _, f := range fields {
		kind := "field"
		if of.what == contactFields.what {
			kind = "contact_field"
		}
		step := stepOf(kind, f.Name)
		id, err := w.nameIn(ctx, of, step, f.Name)
		if err != nil {
			return err
		}
		if id == "" {
			continue
		}
		w.add(func(ctx context.Context) error {
			return w.setField(ctx, of, step, rules.Named{Name: id, Value: f.Value})
		})
	}
	return nil
}

func (w *work) planStatus(ctx context.Context, a rules.SetStatus) error {
	if !a.Closed {
		w.add(w.reopen)
		return nil
	}
	result := ""
	if a.Result != "" {
		var err error
		if result, err = w.find(ctx, results, a.Result); err != nil {
			return err
		}
	}
	w.add(func(ctx context.Context) error { return w.close(ctx, result) })
	return nil
}
