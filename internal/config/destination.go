package config

import (
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// Secret is a credential: see sink.Secret.
type Secret = sink.Secret

// Destination is one help desk.
type Destination struct {
	Name        string       `yaml:"name" doc:"[a-z0-9-]{1,64}, unique; used in groups, topics, metrics and logs."`
	Type        string       `yaml:"type" enum:"{desks}" doc:"Which help desk it is; its settings are under the key of that name."`
	Events      []string     `yaml:"events" enum:"identify,track,page,screen,group,alias" doc:"The event types it takes; by default every type that the desk supports."`
	EventFilter EventFilter  `yaml:"event_filter" doc:"Which events it takes by name: of a track, page or screen, exact."`
	Start       Start        `yaml:"start" doc:"Overrides source.start for this destination's group."`
	Rules       []rules.Rule `yaml:"rules" doc:"What events mean to agents: the first rule that an event matches decides. Without a match the destination acts as without rules."`
	Settings    Settings
	Delivery    Delivery `yaml:"delivery" doc:"How calls are made and repeated."`
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
	MaxInFlight int           `yaml:"max_in_flight" default:"64" min:"1" below:"10001" doc:"Calls in flight at a time."`
	RateLimit   RateLimit     `yaml:"rate_limit" doc:"The vendor's budget until its own headers say otherwise; of all instances together. Of destinations with one credential the first counts."`
	Timeout     time.Duration `yaml:"timeout" default:"30s" min:"1ms" doc:"How long one call may take."`
	MaxAge      time.Duration `yaml:"max_age" default:"0s" doc:"An older record dies unsent as expired; 0: no limit."`
	Retry       Retry         `yaml:"retry" doc:"How passing failures are repeated."`
	Unknown     string        `yaml:"unknown" default:"probe" enum:"probe,retry,dead" doc:"What becomes of a call that is not safe to repeat and got no usable answer: it is looked for before it is sent again (retry, where the desk cannot be asked), sent again, or its event dies."`
}

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

// Desk is the settings of the destination's desk.
func (d Destination) Desk() desk.Settings { return d.Settings[d.Type] }

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
