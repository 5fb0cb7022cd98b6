package config

import (
	"time"

	"github.com/deskstream/deskstream/sink"
)

// Secret is a credential: see sink.Secret.
type Secret = sink.Secret

// The types of destinations.
const (
	TypeTrengo   = "trengo"
	TypeKustomer = "kustomer"
)

// Destination is one help desk.
type Destination struct {
	Name        string      `yaml:"name" doc:"[a-z0-9-]{1,64}, unique; used in groups, topics, metrics and logs."`
	Type        string      `yaml:"type" enum:"trengo,kustomer" doc:"Which help desk it is; its settings are under the key of that name."`
	Events      []string    `yaml:"events" enum:"identify,track,page,screen,group,alias" doc:"The event types it takes; none given: all that it can."`
	EventFilter EventFilter `yaml:"event_filter" doc:"Which events it takes by name: of a track, page or screen, exact."`
	Start       Start       `yaml:"start" doc:"Overrides source.start for this destination's group."`
	Trengo      *Trengo     `yaml:"trengo" doc:"The settings of a Trengo destination."`
	Kustomer    *Kustomer   `yaml:"kustomer" doc:"The settings of a Kustomer destination."`
	Delivery    Delivery    `yaml:"delivery" doc:"How calls are made and repeated."`
}

// EventFilter takes events by their names; Allow or Deny, not both.
type EventFilter struct {
	Allow []string `yaml:"allow" doc:"Take only these; an event without a name is skipped."`
	Deny  []string `yaml:"deny" doc:"Take all but these; an event without a name is taken."`
}

// Trengo is the settings of a Trengo destination.
type Trengo struct {
	APIToken          Secret          `yaml:"api_token" doc:"A personal access token; at least 8 characters, unless the host of base_url is loopback."`
	ChannelID         string          `yaml:"channel_id" doc:"The channel of new contacts and tickets; may be missing when events name it or only update."`
	ChannelIdentifier string          `yaml:"channel_identifier" default:"email" enum:"email,phone" doc:"What the channel knows its contacts by."`
	EnableDedup       bool            `yaml:"enable_dedup" default:"true" doc:"Look a contact up before it is created."`
	CreateContact     bool            `yaml:"create_contact" default:"false" doc:"A track event for an unknown contact creates it."`
	EventTemplates    []EventTemplate `yaml:"event_templates" doc:"The track events that open a ticket."`
	BaseURL           string          `yaml:"base_url" default:"https://app.trengo.com/api/v2" doc:"The address of the API."`
	AllowInsecure     bool            `yaml:"allow_insecure" default:"false" doc:"Plain http to another host than loopback."`
}

// EventTemplate names a track event and the subject of its ticket.
type EventTemplate struct {
	Event    string `yaml:"event" doc:"The event's name, exact."`
	Template string `yaml:"template" doc:"The ticket's subject, in Handlebars; empty: none."`
}

// Kustomer is the settings of a Kustomer destination.
type Kustomer struct {
	APIKey                         Secret `yaml:"api_key" doc:"An API key with rights on customers and tracking; at least 8 characters, unless the host of base_url is loopback."`
	BaseURL                        string `yaml:"base_url" default:"https://api.kustomerapp.com" doc:"US; EU is https://api.prod2.kustomerapp.com, India https://api.prod4.kustomerapp.com, or the organisation's own host."`
	AllowInsecure                  bool   `yaml:"allow_insecure" default:"false" doc:"Plain http to another host than loopback."`
	AdvancedTransform              bool   `yaml:"advanced_transform" default:"true" doc:"Clean event names and properties to what the API takes."`
	SetIdentityEmail               bool   `yaml:"set_identity_email" default:"false" doc:"Name the identity of tracking events by e-mail too."`
	DisableEmailAsTrackingProperty bool   `yaml:"disable_email_as_tracking_property" default:"false" doc:"Leave the e-mail out of tracking properties."`
	GenericPage                    bool   `yaml:"generic_page" default:"false" doc:"One event name for all pages."`
	GenericScreen                  bool   `yaml:"generic_screen" default:"false" doc:"One event name for all screens."`
	EventTime                      string `yaml:"event_time" doc:"The member of a tracking event's meta that takes the event's own time, like occurredAt; empty: none."`
	Lists                          string `yaml:"lists" default:"merge" enum:"merge,replace,leave" doc:"What an update does with the customer's e-mails, phones, tags and other lists: merge adds the event's entries to them, replace sends the event's entries alone, leave sends none."`
}

// The values of delivery.unknown.
const (
	UnknownRetry = "retry"
	UnknownDead  = "dead"
)

// Delivery is how a destination's calls are made and repeated.
type Delivery struct {
	MaxInFlight int           `yaml:"max_in_flight" default:"64" min:"1" below:"10001" doc:"Calls in flight at a time."`
	RateLimit   RateLimit     `yaml:"rate_limit" doc:"The vendor's budget until its own headers say otherwise; of all instances together. Of destinations with one credential the first counts."`
	Timeout     time.Duration `yaml:"timeout" default:"30s" min:"1ms" doc:"How long one call may take."`
	MaxAge      time.Duration `yaml:"max_age" default:"0s" doc:"An older record dies unsent as expired; 0: no limit."`
	Retry       Retry         `yaml:"retry" doc:"How passing failures are repeated."`
	Unknown     string        `yaml:"unknown" default:"retry" enum:"retry,dead" doc:"What becomes of a call that is not safe to repeat and got no usable answer."`
}

// RateLimit is a number of requests per time.
type RateLimit struct {
	Requests int           `yaml:"requests" min:"1" doc:"Requests; by default what the vendor documents: trengo 120, kustomer 1000."`
	Per      time.Duration `yaml:"per" default:"1m" min:"1ms" doc:"The window of those requests."`
	Reserve  float64       `yaml:"reserve" default:"0.1" min:"0" below:"1" doc:"The share that is left to plans, redrives, deliver and people: the least that they get."`
}

// Retry is how passing failures are repeated.
type Retry struct {
	MaxAttempts int           `yaml:"max_attempts" default:"0" min:"0" doc:"Failed attempts of an event; 0: no limit."`
	MaxElapsed  time.Duration `yaml:"max_elapsed" default:"15m" doc:"How long an event may fail, time in a hold left out; 0: no limit."`
	Initial     time.Duration `yaml:"initial" default:"500ms" min:"1ms" doc:"The first back-off."`
	Max         time.Duration `yaml:"max" default:"60s" min:"1ms" doc:"The longest back-off."`
}

// Credential is the token or key of the destination's API.
func (d Destination) Credential() Secret {
	switch {
	case d.Trengo != nil:
		return d.Trengo.APIToken
	case d.Kustomer != nil:
		return d.Kustomer.APIKey
	}
	return Secret{}
}

// BaseURL is the address of the destination's API.
func (d Destination) BaseURL() string {
	switch {
	case d.Trengo != nil:
		return d.Trengo.BaseURL
	case d.Kustomer != nil:
		return d.Kustomer.BaseURL
	}
	return ""
}
