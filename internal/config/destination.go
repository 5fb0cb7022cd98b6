package config

import (
	"crypto/tls"
	"slices"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// Secret is a credential: see sink.Secret.
type Secret = sink.Secret

// Destination is one help desk.
type Destination struct {
	Name        string       `yaml:"name" doc:"[a-z0-9-]{1,64}, unique; used in groups, topics, metrics and logs."`
	Type        string       `yaml:"type" enum:"{desks}" doc:"Which help desk it is; its settings are under the key of that name."`
	Events      []string     `yaml:"events" reload:"true" enum:"identify,track,page,screen,group,alias" doc:"The event types it takes; by default every type that the desk supports."`
	EventFilter EventFilter  `yaml:"event_filter" reload:"true" doc:"Which events it takes by name: of a track, page or screen, exact."`
	Start       Start        `yaml:"start" doc:"Overrides source.start for this destination's group."`
	Rules       []rules.Rule `yaml:"rules" reload:"true" doc:"What events mean to agents: the first rule that an event matches decides. Without a match the destination acts as without rules."`
	Calls       *Calls       `yaml:"calls" doc:"API requests over Kafka: each record of a topic is one. Without this block the destination takes none."`
	Webhooks    Webhooks     `yaml:"webhooks" optional:"true" doc:"What the desk sends back, for receive and webhooks."`
	Export      Export       `yaml:"export" optional:"true" doc:"What is copied of the desk to topics, by export."`
	Settings    Settings
	Delivery    Delivery `yaml:"delivery" doc:"How calls are made and repeated."`
}

// Calls are the API requests that a destination takes from a topic.
type Calls struct {
	Topic string   `yaml:"topic" default:"helpdesk.calls" doc:"The topic of calls, of one or several destinations. Whoever may write to it may make the calls that allow lists."`
	Allow []string `yaml:"allow" doc:"What may be called: a method and a path below base_url, like [GET /v1/teams, \"GET /v1/customers/**\"]. * is one segment of a path, ** at its end one or more. All else is not_allowed."`
}

// EventFilter takes events by their names; Allow or Deny, not both.
type EventFilter struct {
	Allow []string `yaml:"allow" doc:"Take only these; an event without a name is skipped."`
	Deny  []string `yaml:"deny" doc:"Take all but these; an event without a name is taken."`
}

// Settings are the blocks of settings that a destination was given, by the name of their
// desk. In a file that was accepted there is one, that of the destination's type. In the file
// each stands under its own name, beside the other keys.
type Settings map[string]desk.Settings

// The values of delivery.unknown.
const (
	UnknownProbe = "probe"
	UnknownRetry = "retry"
	UnknownDead  = "dead"
)

// Delivery is how a destination's calls are made and repeated.
type Delivery struct {
	MaxInFlight int               `yaml:"max_in_flight" default:"64" min:"1" below:"10001" doc:"Calls in flight at a time."`
	RateLimit   RateLimit         `yaml:"rate_limit" reload:"true" doc:"The vendor's budget until its own headers say otherwise; of all instances together. Of destinations with one credential the first counts."`
	Timeout     time.Duration     `yaml:"timeout" default:"30s" min:"1ms" doc:"How long one call may take, a write up to a quarter of a second more."`
	MaxAge      time.Duration     `yaml:"max_age" default:"0s" doc:"An older record dies unsent as expired; 0: no limit."`
	TLS         CallTLS           `yaml:"tls" doc:"Certificates for calls, where base_url is https: an authority of your own, or a certificate that a gateway asks for."`
	Retry       Retry             `yaml:"retry" doc:"How passing failures are repeated."`
	Unknown     string            `yaml:"unknown" default:"probe" enum:"probe,retry,dead" doc:"What becomes of a call that is not safe to repeat and got no usable answer: it is looked for before it is sent again (retry, where the desk cannot be asked; dead, for a message without a ticket and a WhatsApp template), sent again, or its event dies."`
	Coalesce    bool              `yaml:"coalesce" default:"false" doc:"Identifies of one customer that wait for each other go out as one call, at most 100: of each field the newest value. Then events are read up to limits."`
	TraceCalls  bool              `yaml:"trace_calls" default:"false" doc:"true: calls tell the API which trace they belong to, by the headers traceparent and tracestate."`
	Priority    map[string]string `yaml:"priority" reload:"true" enum:"high,normal,low" doc:"How urgent events are among those that wait, by their type: {track: high, identify: low}. The priority of a rule comes first; without either an event is normal."`
}

// CallTLS are the certificates of a destination's calls.
type CallTLS struct {
	CAFile     string `yaml:"ca_file" doc:"PEM file of the authorities to trust; empty: the system's. Read once."`
	CertFile   string `yaml:"cert_file" doc:"PEM file of the client's certificate, for mutual TLS. Read again for each connection, as the key is."`
	KeyFile    string `yaml:"key_file" doc:"PEM file of the client's key."`
	ServerName string `yaml:"server_name" doc:"The name to verify instead of the host of base_url."`

	client *tls.Config
}

// Client returns the settings of the connections, nil for the system's. They are made when the file is
// read.
func (t CallTLS) Client() *tls.Config { return t.client }

// RateLimit is a number of requests per time.
type RateLimit struct {
	Requests int           `yaml:"requests" min:"1" doc:"Requests; by default what the vendor documents: {limits}."`
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

// CallsTopic is the topic of the destination's calls, "" for none.
func (d Destination) CallsTopic() string {
	if d.Calls == nil {
		return ""
	}
	return d.Calls.Topic
}

// Desk is the settings of the destination's desk.
func (d Destination) Desk() desk.Settings { return d.Settings[d.Type] }

// HasPriorities reports whether a rule or a type of the destination's events has a priority.
func (d Destination) HasPriorities() bool {
	return len(d.Delivery.Priority) > 0 || rules.HavePriorities(d.Rules)
}

// Filter picks the events that the destination takes. Events of help desks are taken by rules only,
// so that a rule on their type is what takes them.
func (d Destination) Filter() mapping.Filter {
	types := d.Events
	for _, r := range d.Rules {
		if types != nil && unified.IsType(r.Match.Type) {
			types = append(slices.Clip(types), r.Match.Type)
		}
	}
	return mapping.Filter{Types: types, Allow: d.EventFilter.Allow, Deny: d.EventFilter.Deny}
}

// Credential authenticates the calls to the destination's API.
func (d Destination) Credential() desk.Credential { return d.Desk().Credential() }

// BaseURL is what the paths of calls to the destination's API are appended to.
func (d Destination) BaseURL() string {
	endpoint := d.Desk().Endpoint()
	if endpoint.Base != "" {
		return endpoint.Base
	}
	return endpoint.URL
}
