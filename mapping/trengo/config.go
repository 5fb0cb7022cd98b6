package trengo

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/deskstream/deskstream/mapping/template"
)

// Config is the part of a Trengo destination's settings that decides what is sent.
type Config struct {
	// ChannelID is the channel of contacts and tickets. It may be empty when events
	// name theirs, or only update contacts.
	ChannelID string
	// ChannelIdentifier is the kind of address of the channel's contacts. Only e-mail
	// channels have subjects.
	ChannelIdentifier Identifier
	// Dedup makes an identify look for the contact first and update it when it is
	// there; otherwise each identify creates one.
	Dedup bool
	// CreateContact makes a track for an unknown contact create it first; otherwise
	// such an event is dead.
	CreateContact bool
	// SubjectRef makes the subjects of e-mail channels end with a reference to the event.
	SubjectRef bool
	// Templates are the track events that open a ticket; no other does.
	Templates []EventTemplate
}

// EventTemplate names a track event, exactly, and how the subject of its ticket is made.
type EventTemplate struct {
	Event string
	// Template is in Handlebars; empty for no subject.
	Template string
}

// Validate returns all errors in the settings, each named as in the file.
func (c Config) Validate() error {
	_, err := c.subjects()
	return errors.Join(c.checkChannel(), err)
}

func (c Config) checkChannel() error {
	var errs []error
	if c.ChannelID != "" && strings.TrimSpace(c.ChannelID) == "" {
		errs = append(errs, errors.New("channel_id: is blank"))
	} else if reason := idFault(c.ChannelID); reason != "" {
		errs = append(errs, errors.New("channel_id: "+reason))
	}
	if c.ChannelIdentifier != Email && c.ChannelIdentifier != Phone {
		errs = append(errs, errors.New("channel_identifier: is neither email nor phone"))
	}
	return errors.Join(errs...)
}

// subjects returns the parsed template of each event, nil for an event without one.
func (c Config) subjects() (map[string]*template.Template, error) {
	var errs []error
	subjects := make(map[string]*template.Template, len(c.Templates))
	for i, t := range c.Templates {
		setting := fmt.Sprintf("event_templates[%d]", i)
		if strings.TrimSpace(t.Event) == "" {
			errs = append(errs, errors.New(setting+".event: is blank"))
		} else if _, twice := subjects[t.Event]; twice {
			errs = append(errs, fmt.Errorf("%s.event: %q is named twice", setting, t.Event))
		}
		subjects[t.Event] = nil
		source := strings.TrimSpace(t.Template)
		if source == "" {
			continue
		}
		subject, err := template.Parse(source)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s.template: %w", setting, err))
		}
		subjects[t.Event] = subject
	}
	return subjects, errors.Join(errs...)
}

// idFault returns why a vendor's id may not go into a path; "" if it may.
func idFault(id string) string {
	switch {
	case strings.ContainsAny(id, `/\`):
		return "holds a slash or a backslash"
	case strings.ContainsFunc(id, unicode.IsControl):
		return "holds a control character"
	case id == "." || id == "..":
		return "is a step in a path"
	default:
		return ""
	}
}
