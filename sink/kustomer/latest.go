package kustomer

import (
	"strconv"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
)

// freshness is how long what our latest write showed may stand in for a reading. The
// revision is what protects the customer; this is for a desk that does not compare it.
const freshness = time.Minute

// after is what is known of a customer after a write whose answer shows the given
// attributes. sent is what the write said. A revision that follows the one before shows
// that nobody else wrote, so lists that were not sent are as they were.
func (l latest) after(sent, attributes mapping.Value) latest {
	rev := attributes.Get("rev")
	if rev.Kind() != mapping.Number {
		return latest{}
	}
	now := latest{rev: rev.Text(), lists: l.lists, at: time.Now().Unix()}
	if l.lists == "" || sendsLists(sent) || !follows(l.rev, now.rev) {
		now.lists = listsOf(attributes)
	}
	if now.lists == "" {
		return latest{}
	}
	return now
}

func sendsLists(sent mapping.Value) bool {
	for _, m := range sent.Members() {
		if kustomer.IsList(m.Name) {
			return true
		}
	}
	return false
}

// follows reports whether a revision is the next one after another.
func follows(before, rev string) bool {
	n, err := strconv.ParseInt(before, 10, 64)
	return err == nil && strconv.FormatInt(n+1, 10) == rev
}

// listsOf are the lists that attributes show, as JSON; "" if they are too long.
func listsOf(attributes mapping.Value) string {
	var lists []mapping.Member
	for _, m := range attributes.Members() {
		if kustomer.IsList(m.Name) && m.Value.Kind() == mapping.Array {
			lists = append(lists, m)
		}
	}
	text := mapping.Obj(lists...).JSON()
	if len(text) > maxLatest {
		return ""
	}
	return text
}

// attributes are the lists and the revision that a customer had after our latest write. They
// are absent if that is too long ago, or did not show all lists of the event.
func (m memory) attributes(l latest) mapping.Value {
	if l.rev == "" || time.Since(time.Unix(l.at, 0)) > freshness {
		return mapping.Value{}
	}
	shown, err := mapping.ParseJSON([]byte(l.lists))
	if err != nil {
		return mapping.Value{}
	}
	for list := range m.step.Entries() {
		if shown.Get(list).Kind() != mapping.Array {
			return mapping.Value{}
		}
	}
	members := shown.Members()
	return mapping.Obj(append(members[:len(members):len(members)], mapping.Member{Name: "rev", Value: mapping.Num(l.rev)})...)
}
