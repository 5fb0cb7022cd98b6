package kustomer

import (
	"github.com/deskstream/deskstream/mapping"
)

// Config is how events are mapped to Kustomer.
type Config struct {
	// AdvancedTransform cleans event names and properties to what the tracking API takes.
	AdvancedTransform bool
	// SetIdentityEmail adds the e-mail address to the identity of track, page and screen.
	SetIdentityEmail bool
	// DisableEmailAsTrackingProperty leaves the property email out of an event's meta.
	DisableEmailAsTrackingProperty bool
	// GenericPage gives all page events one name.
	GenericPage bool
	// GenericScreen gives all screen events one name.
	GenericScreen bool
	// EventTime is the name of the member of meta that takes the event's own time, with
	// or without the suffix At; "" for none. See Validate.
	EventTime string
	// Lists says what becomes of the lists of a customer that exists; "" is MergeLists.
	Lists ListMode
}

// Message is what to tell Kustomer about one event.
type Message struct {
	// Steps are to be done in order.
	Steps []Step
	// Warnings say, for people, what was coerced or left out. They may quote names of
	// properties, never their values.
	Warnings []string
}

// Step is one thing to do: an Upsert or a Track.
type Step interface{ step() }

// Upsert updates the customer that is named or found, and creates it otherwise.
type Upsert struct {
	// ID is the Kustomer id that the event names, "" if it names none. With it
	// nothing is looked up and nothing is created.
	ID string
	// Lookups are to be tried in order until one finds the customer.
	Lookups []Lookup
	// ExternalIDs are the event's own ids of the person, the one in Customer first.
	ExternalIDs []string
	// Customer is the customer object, without the envelope of answers. Its lists hold the
	// event's own entries, and none of them is empty.
	Customer mapping.Value
	// Implied are the values of entries in Customer's lists whose type, home, is our default
	// and not the event's.
	Implied []string `json:",omitempty"`
	// Mode says what becomes of the lists of a customer that exists; "" is MergeLists.
	Mode ListMode `json:",omitempty"`
	// Several says that it is made of more events than one, by Merge.
	Several bool `json:",omitempty"`
}

// Lookup is a way to find a customer.
type Lookup struct {
	By    Key
	Value string
}

// Key is what a customer is looked up by: the name that is in the API's path.
type Key string

// The keys that events have.
const (
	ByEmail      Key = "email"
	ByExternalID Key = "externalId"
	ByPhone      Key = "phone" // who holds a number, and the contact of a help desk
)

// Track puts one event on a customer's timeline.
type Track struct {
	// Body is the object of an identity and an event.
	Body mapping.Value
}

func (Upsert) step() {}
func (Track) step()  {}

// Mapper maps events by one Config. It is safe for concurrent use.
type Mapper struct {
	config   Config
	timeName string
}

// New makes a Mapper.
func New(c Config) *Mapper { return &Mapper{config: c, timeName: c.timeName()} }

// Map says what to tell Kustomer about ev. The error is a *mapping.Error for an event
// that can never be mapped, or mapping.TypeNotTaken.
func (m *Mapper) Map(ev mapping.Event) (Message, error) {
	if err := ev.Check(); err != nil {
		return Message{}, err
	}
	var n notes
	var step Step
	var err error
	switch ev.Type {
	case "identify":
		step, err = m.upsert(ev, &n)
	case "track", "page", "screen":
		step, err = m.track(ev, &n)
	default:
		return Message{}, mapping.TypeNotTaken
	}
	if err != nil {
		return Message{}, err
	}
	return Message{Steps: []Step{step}, Warnings: n.texts()}, nil
}
