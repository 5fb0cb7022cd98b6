package kustomer

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
)

// maxConflicts is the number of answers 409 in a row from which on each is a passing
// failure: other writers change the customer faster than it can be read.
const maxConflicts = 4

// conflict goes on after an update that was answered 409. If it carried the revision that
// the customer was shown with, somebody may have changed the customer since: then its lists
// are merged again. Otherwise somebody else has one of the identifiers.
func (u *upsert) conflict(ctx context.Context, r refusal) error {
	u.insists = true
	u.conflicts++
	if !r.body.rev.Exists() {
		return u.resolve(ctx, r)
	}
	if u.conflicts >= maxConflicts {
		if err := u.do.CountFailure(ctx, r.call, r.reply); err != nil {
			return err
		}
	}
	now, err := u.read(ctx, r.target)
	if err != nil {
		return err
	}
	if rev := now.attributes.Get("rev"); rev.Kind() == mapping.Number && rev.Text() != r.body.rev.Text() {
		return u.update(ctx, now)
	}
	r.target = now
	return u.resolve(ctx, r)
}

// resolve goes on after a write that Kustomer refused, because of an identifier that
// somebody else has if the lookups find one: then the event goes to who it is about, without
// what others have. With nobody found a 409 is a passing failure, because lookups may lag
// behind writes, and a 400 is about something else.
func (u *upsert) resolve(ctx context.Context, r refusal) error {
	u.insists = true
	for !u.resolved {
		if err := u.askAll(ctx); err != nil {
			return err
		}
		if u.foundOther(r.target) {
			if u.step.Several && !u.isOwn(r) {
				return u.do.Reject(r.call, r.reply)
			}
			u.resolved = true
			target := u.choose(r.target)
			u.leaveOut(target)
			return u.save(ctx, target)
		}
		if r.reply.Status != http.StatusConflict {
			break
		}
		if err := u.do.CountFailure(ctx, r.call, r.reply); err != nil {
			return err
		}
	}
	return u.refused(ctx, r)
}

// isOwn reports whether all that an identity of several events finds is the customer whom their
// lookups find, as after a create whose answer was lost. Otherwise whom each of the events is about
// depends on those before it, so each goes alone: of a write that was refused for what others have
// nothing took effect.
func (u *upsert) isOwn(r refusal) bool {
	if r.target.id != "" {
		return false
	}
	own := ""
	for _, l := range u.step.Lookups {
		if holder, found := u.found[l.Key()]; found {
			own = holder.id
			break
		}
	}
	for _, holder := range u.found {
		if holder.id != own {
			return false
		}
	}
	return own != ""
}

// refused ends a write, unless it may have been something of a rule's that Kustomer refused, or the
// merged lists: what the customer has may break rules that were made later.
func (u *upsert) refused(ctx context.Context, r refusal) error {
	if r.reply.Status == http.StatusBadRequest && u.ruled.leaveOut() {
		return u.save(ctx, r.target)
	}
	if r.reply.Status != http.StatusBadRequest || !r.body.merged || u.step.Several {
		if u.ruled != nil {
			u.do.Fail(u.ruled.step)
		}
		return u.do.Reject(r.call, r.reply)
	}
	u.withoutLists = true
	u.warn("lists: left out, Kustomer refused them together with what the customer has")
	return u.update(ctx, r.target)
}

// askAll looks up every identity of the event that has found nobody yet.
func (u *upsert) askAll(ctx context.Context) error {
	for _, l := range u.step.Identities() {
		if _, found := u.found[l.Key()]; found {
			continue
		}
		if _, err := u.ask(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// foundOther reports whether a lookup found another customer than the one that was written
// to: one who stands in the way of the write, or whom the event is about.
func (u *upsert) foundOther(written match) bool {
	for _, l := range u.step.Identities() {
		holder, found := u.found[l.Key()]
		sent := l.By != kustomer.ByExternalID || l.Value == u.owner()
		if found && sent && holder.id != written.id {
			return true
		}
	}
	return u.choose(written).id != written.id
}

// choose is the customer whom the event is about: the one that it names, else the one of an
// external id, else of the first e-mail address, else of a further one, else of a phone. A
// further address, or a phone, may be shared: a customer found by one who has an external id
// of another person is passed over. With nobody left the write is made again, and only a
// create that has nothing left to be found by becomes an update of the first passed over.
func (u *upsert) choose(written match) match {
	if u.step.ID != "" {
		return written
	}
	var passedOver []match
	free := false // whether an identity is left to create by
	further := false
	for _, l := range u.step.Identities() {
		holder, found := u.found[l.Key()]
		further = further || l.By == kustomer.ByPhone
		switch {
		case !found:
			free = true
		case further && u.isSomebodyElse(holder):
			passedOver = append(passedOver, holder)
		case holder.id == written.id && written.shown:
			return written // it may have been shown later
		default:
			return holder
		}
		further = further || l.By == kustomer.ByEmail
	}
	if written.id != "" || free || len(passedOver) == 0 {
		return written
	}
	return passedOver[0]
}

// isSomebodyElse reports whether a customer has an external id that is none of the event's.
func (u *upsert) isSomebodyElse(holder match) bool {
	owner := holder.owner()
	return owner != "" && !slices.Contains(u.step.ExternalIDs, owner)
}

// uniqueLists are the lists of which an entry can be only one customer's.
var uniqueLists = [...]string{"emails", "phones", "whatsapps", "socials"}

// leaveOut takes out of the event what others than the target have.
func (u *upsert) leaveOut(target match) {
	u.held = make(map[string]bool)
	for _, l := range u.step.Identities() {
		holder, found := u.found[l.Key()]
		if !found || holder.id == target.id {
			continue
		}
		if l.By == kustomer.ByExternalID && l.Value == u.owner() {
			u.leaveOutID("another customer has it")
		}
		u.held[entryKey(l.Entry())] = true
		for _, list := range uniqueLists {
			for _, e := range holder.attributes.Get(list).Members() {
				u.held[entryKey(list, kustomer.EntryKey(list, e.Value))] = true
			}
		}
	}
	if target.id != "" && u.isSomebodyElse(target) {
		u.leaveOutID("the customer has another one")
	}
	if target.id == "" || u.step.Mode != kustomer.LeaveLists {
		u.warnOfHeld()
	}
}

func (u *upsert) leaveOutID(why string) {
	if !u.withoutID && u.owner() != "" {
		u.withoutID = true
		u.warn("externalId: left out, " + why)
	}
}

// warnOfHeld says how many entries of which lists others have.
func (u *upsert) warnOfHeld() {
	for _, l := range u.step.Lists() {
		left := l.Without(func(e kustomer.Entry) bool { return !u.held[entryKey(l.Name, e.Key)] })
		if n := len(left.Entries); n > 0 {
			u.warn(l.Name + ": " + strconv.Itoa(n) + " left out, held by another customer")
		}
	}
}

// entryKey names an entry among those of all lists.
func entryKey(list, key string) string { return list + "=" + key }
