package kustomer

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// momentName is the name of a moment in meta: at most 33 characters before the suffix.
var momentName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,32}At$`)

// Validate returns an error for a setting that Kustomer would refuse with every event. The
// error begins with the setting's name in the configuration.
func (c Config) Validate() error {
	if c.EventTime != "" && !momentName.MatchString(c.timeName()) {
		return errors.New("event_time: must be a letter, then letters, digits, - and _, at most 33 characters before At")
	}
	return nil
}

// timeName is the name of the event's own time in meta, "" for none.
func (c Config) timeName() string {
	if c.EventTime == "" || strings.HasSuffix(c.EventTime, atSuffix) {
		return c.EventTime
	}
	return c.EventTime + atSuffix
}

// timePaths are where an event says when it happened.
var timePaths = []string{"originalTimestamp", "timestamp"}

// stamped is meta with the event's own time, if it is to have it: the tracking API takes
// no time of an event, and stamps it when it arrives. Properties come first.
func (m *Mapper) stamped(meta mapping.Value, ev mapping.Event, n *notes) mapping.Value {
	if m.timeName == "" {
		return meta
	}
	label := "meta." + m.timeName
	switch {
	case meta.Get(m.timeName).Kind() != mapping.Absent:
		n.add(label, "a property has this name, so the event's own time is left out")
		return meta
	case meta.Len() >= maxKeys:
		n.leftOut(label, "there are as many properties as Kustomer takes")
		return meta
	}
	at := fitting(ev, n, rule{label, timePaths, date})
	if !at.Exists() {
		return meta
	}
	return mapping.Obj(append(slices.Clip(meta.Members()), mapping.Member{Name: m.timeName, Value: at})...)
}
