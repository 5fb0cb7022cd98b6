package trengo

import (
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/template"
)

// Mapper maps events by one Config. It is safe for concurrent use.
type Mapper struct {
	config   Config
	subjects map[string]*template.Template
}

// New makes a Mapper. Its error is that of Config.Validate.
func New(c Config) (*Mapper, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	subjects, err := c.subjects()
	if err != nil {
		return nil, err
	}
	return &Mapper{config: c, subjects: subjects}, nil
}

// Map says what to tell Trengo about the event. Its error is a *mapping.Error, or a
// mapping.Skip when there is nothing to tell.
func (m *Mapper) Map(ev mapping.Event) (Message, error) {
	if err := ev.Check(); err != nil {
		return Message{}, err
	}
	switch ev.Type {
	case "identify":
		return m.identify(newReader(ev))
	case "track":
		return m.track(ev)
	default:
		return Message{}, mapping.TypeNotTaken
	}
}

// identify saves the contact. With dedup off a known contact id is ignored.
func (m *Mapper) identify(r *reader) (Message, error) {
	step := SaveContact{Search: m.config.Dedup}
	step.Name = r.name()
	var contact externalID
	if m.config.Dedup {
		var err error
		if contact, err = r.externalID(externalContact); err != nil {
			return Message{}, err
		}
	}
	if step.ID = contact.value; step.ID.Exists() {
		if step.Name == "" {
			return Message{}, mapping.NothingToUpdate
		}
		return Message{Steps: []Step{step}, Warnings: r.warnings}, nil
	}
	if err := m.address(r, contact, &step.Contact); err != nil {
		return Message{}, err
	}
	if !m.config.Dedup && !step.Channel.Exists() {
		return Message{}, missingChannel()
	}
	return Message{Steps: []Step{step}, Warnings: r.warnings}, nil
}

// track opens a ticket for an event that the configuration names.
func (m *Mapper) track(ev mapping.Event) (Message, error) {
	template, err := m.subjectTemplate(ev)
	if err != nil {
		return Message{}, err
	}
	r := newReader(ev)
	step := OpenTicket{Create: m.config.CreateContact}
	contact, err := r.externalID(externalContact)
	if err != nil {
		return Message{}, err
	}
	if err := m.address(r, contact, &step.Contact); err != nil {
		return Message{}, err
	}
	if !step.Channel.Exists() {
		return Message{}, missingChannel()
	}
	if step.Create && !step.ID.Exists() {
		step.Name = r.name()
	}
	if template != nil && m.config.ChannelIdentifier == Email {
		if step.Subject, err = r.subject(template, ev); err != nil {
			return Message{}, err
		}
		step.Referenced = m.config.SubjectRef && step.Subject != ""
	}
	return Message{Steps: []Step{step}, Warnings: r.warnings}, nil
}

// Contact is whom an event of any type is about, for what is done by rules, with warnings as in a
// Message. Errors: invalid_id, missing_identifier.
func (m *Mapper) Contact(ev mapping.Event) (Contact, []string, error) {
	r := newReader(ev)
	id, err := r.externalID(externalContact)
	if err != nil {
		return Contact{}, nil, err
	}
	c := Contact{Name: r.name()}
	if err := m.address(r, id, &c); err != nil {
		return Contact{}, nil, err
	}
	return c, r.warnings, nil
}

// subjectTemplate is the template of a track event, nil for none. Errors:
// missing_event, wrong_type; EventNotConfigured for an event that is not named.
func (m *Mapper) subjectTemplate(ev mapping.Event) (*template.Template, error) {
	name := ev.Body.Get("event")
	switch {
	case !name.Exists() || isBlank(name):
		return nil, mapping.FieldError(mapping.MissingEvent, "event", "is missing")
	case name.Kind() != mapping.String:
		return nil, mapping.FieldError(mapping.WrongType, "event", "is "+name.Kind().String()+", not text")
	}
	subject, ok := m.subjects[name.Str()]
	if !ok {
		return nil, mapping.EventNotConfigured
	}
	return subject, nil
}

// address fills in the channel, and the contact: its id, else the identifier. A number
// that is no id is the event's fault only when nothing else is there.
func (m *Mapper) address(r *reader, id externalID, c *Contact) error {
	channel, err := r.externalID(externalChannel)
	switch {
	case err != nil:
		return err
	case channel.value.Exists():
		c.Channel = channel.value
	case m.config.ChannelID != "":
		c.Channel = mapping.Str(m.config.ChannelID)
	case channel.fault != nil:
		return channel.fault
	}
	if c.ID = id.value; c.ID.Exists() {
		return nil
	}
	c.Kind = m.config.ChannelIdentifier
	if c.Identifier = r.identifier(c.Kind); c.Identifier != "" {
		return nil
	}
	if id.fault != nil {
		return id.fault
	}
	return mapping.FieldError(mapping.MissingIdentifier, strings.Join(r.own(c.Kind.paths()), ", "), "hold no usable "+string(c.Kind))
}

func missingChannel() error {
	return mapping.FieldError(mapping.MissingChannel, externalChannel, "is missing, and no channel_id is configured")
}
