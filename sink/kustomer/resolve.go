package kustomer

import (
	"context"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/mapping/rules"
)

// routing is what a rule gives its conversation, with the ids of what it names.
type routing struct {
	team, user, queue string
	urgency           int
	fields            mapping.Value   // custom attributes, absent for none
	tags              []mapping.Value // ids of those to put on
	newTags           []mapping.Value // names of those to put on that the desk does not have
	off               []mapping.Value // ids of those to take off
	status            *rules.SetStatus
	// last says that the status comes after a note or a message, in a call of its own.
	last bool
}

// resolve makes tasks of the rule's actions, with the ids of all that they name: an event that
// dies of a name dies before its first write.
func (w *work) resolve(ctx context.Context) error {
	var objects, words []task
	for _, action := range w.Decision.Actions {
		var err error
		switch a := action.(type) {
		case rules.SaveContact:
			w.asked.create = w.asked.create || a.Create
			w.asked.fields = w.attributes("contact.fields", a.Fields)
		case rules.JoinGroups:
			w.asked.tags = w.tagNames("contact.groups", a.Names)
		case rules.SetProfile:
			w.asked.company = a.Name
		case rules.UseTicket:
			err = w.resolveTicket(a)
		case rules.UpsertObject:
			var do task
			if do, err = w.resolveObject(ctx, a); do != nil {
				objects = append(objects, do)
			} else {
				w.left.objects = append(w.left.objects, objectStep(a.Class))
			}
		case rules.Note:
			words = append(words, func(ctx context.Context) error { return w.note(ctx, a.Text) })
		case rules.Message:
			words = append(words, func(ctx context.Context) error { return w.message(ctx, a) })
		default:
			err = w.resolveRouting(ctx, a)
		}
		if err != nil {
			return err
		}
	}
	w.tasks = objects
	if w.use.Open != "" {
		w.routing.last = len(words) > 0
		w.tasks = append(append(append(w.tasks, w.useTicket, w.skipLeft, w.update, w.label, w.unlabel, w.updateStatus), words...), w.setStatus)
	}
	return nil
}

// resolveTicket takes in which conversation is meant. Error: a *mapping.Error, invalid_id.
func (w *work) resolveTicket(a rules.UseTicket) error {
	w.use = a
	if a.Find == rules.ByID && !kustomer.ValidID(a.ID) {
		return mapping.FieldError(mapping.InvalidID, "ticket.find.id", "is no id of a conversation")
	}
	if name, isCut := kustomer.Line(a.Subject, kustomer.MaxName); isCut {
		w.use.Subject = name
		w.warn("ticket.subject was cut at " + strconv.Itoa(kustomer.MaxName) + " characters")
	}
	return nil
}

// resolveRouting takes in what the conversation is given.
func (w *work) resolveRouting(ctx context.Context, action rules.Action) (err error) {
	r := &w.routing
	switch a := action.(type) {
	case rules.Assign:
		if r.team, err = w.findIf(ctx, teams, a.Team, assignTeam); err == nil {
			r.user, err = w.findIf(ctx, users, a.User, assignUser)
		}
	case rules.SetQueue:
		r.queue, err = w.findIf(ctx, queues, a.Name, queueStepName)
	case rules.SetUrgency:
		r.urgency = a.Level
	case rules.SetFields:
		r.fields = w.attributes("ticket.fields", a.Fields)
	case rules.Label:
		err = w.resolveTags(ctx, a)
	case rules.SetStatus:
		r.status = &a
	}
	return err
}

// findIf finds what a name names, if there is one. The step of a name is listed as skipped where the
// desk lacks it.
func (w *work) findIf(ctx context.Context, d directory, name, step string) (string, error) {
	if name == "" {
		return "", nil
	}
	id, err := w.find(ctx, d, name)
	if err == nil && id == "" {
		w.left.routing = append(w.left.routing, step)
	}
	return id, err
}

// left are the steps that are left out since the desk lacks what they name.
type left struct{ objects, routing []string }

// skipLeft lists the steps that give the conversation nothing, at their place.
func (w *work) skipLeft(context.Context) error {
	w.skipAll(&w.left.routing)
	return nil
}

// skipAll lists steps as skipped, once.
func (w *work) skipAll(steps *[]string) {
	for _, step := range *steps {
		w.do.Skip(step, nil)
	}
	*steps = nil
}

// resolveTags takes in the tags of the conversation. Kustomer makes one that is not there when it is
// put on.
func (w *work) resolveTags(ctx context.Context, a rules.Label) error {
	setting := "ticket.labels"
	if a.Off {
		setting = "ticket.remove_labels"
	}
	for _, tag := range w.tagNames(setting, a.Names) {
		id, err := w.lookUpName(ctx, tags, tag.Str())
		if isPlanned(err) {
			id, err = "<id of the tag>", nil
		}
		switch {
		case err != nil:
			return err
		case id == "" && a.Off:
			err = w.lacks(tags, tag.Str(), "it is on no conversation")
		case id == "" && objectID.MatchString(tag.Str()): // Kustomer would make one of that name
			err = w.lacks(tags, tag.Str(), leftOut)
		case id == "":
			w.routing.newTags = append(w.routing.newTags, tag)
			err = w.lacks(tags, tag.Str(), "Kustomer makes it")
		case a.Off:
			w.routing.off = withTags(w.routing.off, []mapping.Value{mapping.Str(id)})
		default:
			w.routing.tags = withTags(w.routing.tags, []mapping.Value{mapping.Str(id)})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tagNames are the names of tags that Kustomer takes.
func (w *work) tagNames(setting string, names []string) (list []mapping.Value) {
	for _, name := range names {
		tag, ok := kustomer.Tag(name)
		if !ok {
			w.warn(setting + ": one was left out, Kustomer takes no such tag")
			continue
		}
		list = withTags(list, []mapping.Value{mapping.Str(tag)})
	}
	return list
}

// attributes are custom attributes of the values of a rule's fields.
func (w *work) attributes(setting string, fields []rules.Named) mapping.Value {
	values := make([]mapping.Member, len(fields))
	for i, f := range fields {
		values[i] = mapping.Member{Name: f.Name, Value: valueOf(f)}
	}
	fit, warnings := kustomer.Attributes(setting, values)
	for _, text := range warnings {
		w.warn(text)
	}
	return fit
}

// valueOf is a field's value with its type.
func valueOf(f rules.Named) mapping.Value {
	if f.Typed.Kind() == mapping.Absent {
		return mapping.Str(f.Value)
	}
	return f.Typed
}
