package kustomer

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// The statuses of conversations.
const (
	statusOpen    = "open"
	statusSnoozed = "snoozed"
	statusDone    = "done"
)

// The names of the steps that change a conversation.
const (
	updateStepName  = "update"
	labelStepName   = "labels"
	unlabelStepName = "remove_labels"
	statusStepName  = "status"
)

// The names of steps of their own that are part of another, where they are left out.
const (
	assignTeam    = "assign:team"
	assignUser    = "assign:user"
	queueStepName = "queue"
)

// given are the members that give a conversation what the rule asks for, but for tags and status.
func (r *routing) given() []mapping.Member {
	var body []mapping.Member
	add := func(name string, v mapping.Value, given bool) {
		if given {
			body = append(body, mapping.Member{Name: name, Value: v})
		}
	}
	add("assignedTeams", mapping.Arr(mapping.Str(r.team)), r.team != "")
	add("assignedUsers", mapping.Arr(mapping.Str(r.user)), r.user != "")
	add("queue", mapping.Obj(mapping.Member{Name: "id", Value: mapping.Str(r.queue)}), r.queue != "")
	add("priority", mapping.Int(int64(r.urgency)), r.urgency != 0)
	add("custom", r.fields, r.fields.Exists())
	return body
}

// word is the status that a rule asks for as Kustomer has it.
func word(s *rules.SetStatus) string {
	switch {
	case s == nil:
		return ""
	case s.Closed:
		return statusDone
	case s.Snooze > 0:
		return statusSnoozed
	}
	return statusOpen
}

// toStatus are the members that give a conversation a status: what is sent, and what a plan shows.
func toStatus(s *rules.SetStatus) (sent, shown []mapping.Member) {
	status := mapping.Member{Name: "status", Value: mapping.Str(word(s))}
	if s.Snooze == 0 {
		return []mapping.Member{status}, []mapping.Member{status}
	}
	until := func(at string) []mapping.Member {
		return []mapping.Member{status, {Name: "snooze", Value: mapping.Obj(
			mapping.Member{Name: "time", Value: mapping.Str(at)}, mapping.Member{Name: "status", Value: mapping.Str("scheduled")},
		)}}
	}
	return until(time.Now().UTC().Add(s.Snooze).Format("2006-01-02T15:04:05.000Z")), until("<in " + s.Snooze.String() + ">")
}

// patch is a change of the conversation by members of its own, as the step of a name.
type patch struct {
	step        string
	sent, shown []mapping.Member
	lenient     bool // a refusal is returned
	final       bool // after it the conversation may not be found again
}

// patch makes the change. What Kustomer shows to be so already is done.
func (w *work) patch(ctx context.Context, p patch) (sink.Effected, error) {
	shown := mapping.Obj(p.shown...)
	want := mapping.Obj(p.sent...).Without("snooze")
	return w.changeTicket(ctx, sink.Change{
		Step: p.step, Final: p.final, Lenient: p.lenient,
		Call: sink.Call{Method: http.MethodPatch, Body: mapping.Obj(p.sent...), Plan: &shown},
	}, func(attributes mapping.Value) bool { return same(attributes, want) })
}

// changeTicket makes a change of the conversation. so reports whether it is so already.
func (w *work) changeTicket(ctx context.Context, c sink.Change, so func(attributes mapping.Value) bool) (sink.Effected, error) {
	id := w.ticket.id
	c.Call.Op, c.Call.Path = c.Call.Method+" /v1/conversations/{id}"+c.Call.Path, "/v1/conversations/"+segment(id)+c.Call.Path
	c.Refusals = refusals
	c.Already = func(ctx context.Context) (bool, error) {
		data, there, err := w.show(ctx, id)
		if err == nil && !there {
			err = w.conversationGone()
		}
		return there && so(data.Get("attributes")), err
	}
	return w.change(ctx, c)
}

// conversationGone is the error of a change of a conversation that is not there any more: another one
// is looked for, once.
func (w *work) conversationGone() error {
	if !w.again {
		return errConversationGone
	}
	return sink.GoneAgain("conversation")
}

// isRefusal reports whether a change was refused, and is not so already.
func isRefusal(made sink.Effected) bool {
	return made.State == "" && slices.Contains(refusals, made.Reply.Status)
}

// update gives a conversation that was found what the rule asks for, but for tags, in one call, unless
// that call is to set the status as well.
func (w *work) update(ctx context.Context) error {
	s := w.routing.status
	if w.ticket.opened || s != nil && !w.routing.last && !w.isSo(s) {
		return nil
	}
	w.updated = true
	return w.give(ctx, updateStepName, nil)
}

// updateStatus gives a conversation that was found its status after the tags, with what else the rule
// asks for in the same call. The status comes by itself after a note or a message.
func (w *work) updateStatus(ctx context.Context) error {
	s := w.routing.status
	if w.ticket.opened || s == nil || w.routing.last {
		return nil
	}
	if w.isSo(s) {
		w.do.Skip(statusStepName, nil)
		if w.updated {
			return nil
		}
		return w.give(ctx, updateStepName, nil) // another conversation, the first being gone
	}
	step := updateStepName
	if w.updated { // another conversation, the first being gone
		step = statusStepName
	}
	err := w.give(ctx, step, s)
	if err == nil && s.Closed {
		return w.closed(ctx)
	}
	return err
}

// give gives a conversation that was found what the rule asks for, but for tags, and a status unless
// that is nil, in one call as the step of a name. What Kustomer refuses of what the rule names is left
// out, unless the rule is strict.
func (w *work) give(ctx context.Context, step string, status *rules.SetStatus) error {
	for lenient := !w.Decision.Strict && w.routing.names(); ; {
		p := patch{step: step, lenient: lenient}
		if !w.ticket.given {
			p.sent, p.shown = w.routing.given(), w.routing.given()
		}
		if status != nil {
			sent, shown := toStatus(status)
			p.sent, p.shown, p.final = slices.Concat(p.sent, sent), slices.Concat(p.shown, shown), status.Closed
		}
		if len(p.sent) == 0 {
			return nil
		}
		if w.ticket.shown.Exists() && same(w.ticket.shown, mapping.Obj(p.sent...)) && (status == nil || status.Snooze == 0) {
			w.do.Skip(step, nil)
			w.ticket.given = true
			return nil
		}
		made, err := w.patch(ctx, p)
		if err != nil || !lenient || !isRefusal(made) {
			w.ticket.given = err == nil
			return err
		}
		if lenient, err = w.leaveOut(ctx); err != nil {
			return err
		}
	}
}

// isSo reports whether the conversation is known to have a status. A snooze begins anew.
func (w *work) isSo(s *rules.SetStatus) bool {
	return w.ticket.so || word(s) == w.ticket.status && s.Snooze == 0
}

// setStatus gives the conversation its status in a call of its own, where no other call has.
func (w *work) setStatus(ctx context.Context) error {
	s := w.routing.status
	switch {
	case s == nil || !w.ticket.opened && !w.routing.last:
		return nil
	case w.isSo(s):
		w.do.Skip(statusStepName, nil)
		return nil
	}
	sent, shown := toStatus(s)
	_, err := w.patch(ctx, patch{step: statusStepName, sent: sent, shown: shown, final: s.Closed})
	if err == nil && s.Closed {
		return w.closed(ctx)
	}
	return err
}

// label puts tags on the conversation: those that a new one could not be given, on one that was found
// all that it does not show to have.
func (w *work) label(ctx context.Context) error {
	names := w.routing.newTags
	if !w.ticket.opened {
		names = slices.Concat(w.not(w.routing.tags), names)
	}
	if len(names) == 0 {
		if len(w.routing.tags) > 0 && !w.ticket.opened {
			w.do.Skip(labelStepName, nil)
		}
		return nil
	}
	return w.changeTags(ctx, tagsChange(labelStepName, http.MethodPost, names), "ticket.labels", func(attributes mapping.Value) bool {
		return !slices.ContainsFunc(names, func(tag mapping.Value) bool { return !hasTag(attributes, tag) })
	})
}

// not are those of some tags that the conversation is not shown to have.
func (w *work) not(tags []mapping.Value) (left []mapping.Value) {
	for _, tag := range tags {
		if !hasTag(w.ticket.shown, tag) {
			left = append(left, tag)
		}
	}
	return left
}

// changeTags changes the tags of the conversation, as a setting says. What Kustomer refuses is left
// out, unless the rule is strict.
func (w *work) changeTags(ctx context.Context, c sink.Change, setting string, so func(attributes mapping.Value) bool) error {
	c.Lenient = !w.Decision.Strict
	made, err := w.changeTicket(ctx, c, so)
	if err == nil && isRefusal(made) {
		w.warn(setting + ": left out, Kustomer refused them")
		w.do.Skip(c.Step, nil)
	}
	return err
}

// unlabel takes tags off the conversation, but for those that it is shown not to have.
func (w *work) unlabel(ctx context.Context) error {
	if len(w.routing.off) == 0 || w.ticket.opened {
		return nil
	}
	names := w.routing.off
	if w.ticket.shown.Get("tags").Kind() == mapping.Array { // or it was just given them
		names = slices.DeleteFunc(slices.Clone(names), func(tag mapping.Value) bool {
			return !hasTag(w.ticket.shown, tag) && !slices.ContainsFunc(w.routing.tags, func(on mapping.Value) bool { return on.Str() == tag.Str() })
		})
	}
	if len(names) == 0 {
		w.do.Skip(unlabelStepName, nil)
		return nil
	}
	return w.changeTags(ctx, tagsChange(unlabelStepName, http.MethodDelete, names), "ticket.remove_labels", func(attributes mapping.Value) bool {
		return !slices.ContainsFunc(names, func(tag mapping.Value) bool { return hasTag(attributes, tag) })
	})
}

func tagsChange(step, method string, names []mapping.Value) sink.Change {
	return sink.Change{Step: step, Call: sink.Call{Method: method, Path: "/tags", Body: mapping.Arr(names...)}}
}

func hasTag(attributes, tag mapping.Value) bool {
	return slices.ContainsFunc(attributes.Get("tags").Members(), func(m mapping.Member) bool { return m.Value.Str() == tag.Str() })
}
