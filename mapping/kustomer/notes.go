package kustomer

import (
	"strconv"
	"unicode/utf8"

	"github.com/deskstream/deskstream/mapping"
)

// maxNotes bounds the warnings of one event, maxLabel the characters of a name in one.
const (
	maxNotes = 50
	maxLabel = 80
)

// notes collects warnings, and which entries have a type that we gave them.
type notes struct {
	list []string
	more int
	// implied are the values of entries that were a single text in the event.
	implied []string
}

// imply notes that the type of an entry, home, is not the event's own.
func (n *notes) imply(entry mapping.Value) mapping.Value {
	if members := entry.Members(); len(members) == 2 { // type and value
		if n.implied == nil {
			n.implied = make([]string, 0, 2)
		}
		n.implied = append(n.implied, members[1].Value.Str())
	}
	return entry
}

// add notes what happened to the value that label names.
func (n *notes) add(label, what string) {
	if len(n.list) == maxNotes {
		n.more++
		return
	}
	n.list = append(n.list, cut(label, maxLabel)+": "+what)
}

func (n *notes) leftOut(label, why string) { n.add(label, "left out, "+why) }

func (n *notes) texts() []string {
	if n.more == 0 {
		return n.list
	}
	return append(n.list, "and "+strconv.Itoa(n.more)+" more warnings")
}

// cut is the first limit characters of s.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for i := range s {
		if limit == 0 {
			return s[:i]
		}
		limit--
	}
	return s
}

func longer(s string, limit int) bool { return len(s) > limit && utf8.RuneCountInString(s) > limit }
