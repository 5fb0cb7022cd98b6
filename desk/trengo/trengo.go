// Package trengo describes Trengo, https://trengo.com, as a help desk.
package trengo

import (
	"errors"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	mapping "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	sender "github.com/deskstream/deskstream/sink/trengo"
)

// Kind describes Trengo.
func Kind() desk.Kind {
	return desk.Kind{
		Name: "trengo", Title: "Trengo",
		Requests:  120, // of each token: developers.trengo.com, rate limiting
		Check:     "/contacts?page=1",
		Settings:  func() desk.Settings { return new(Settings) },
		Route:     route,
		CheckRule: checkRule,
		Inbound:   reads,
		Lists:     lists,
		Echo:      sender.Echo,
		Names:     names,
		NextPage:  sender.NextPage,
		CannotMerge: func(s desk.Settings) string {
			if s.(*Settings).EnableDedup {
				return ""
			}
			return "needs trengo.enable_dedup: without it each identify creates a contact"
		},
		Stub: func() stub.API { return stubtrengo.New(nil) },
		Demo: demo,
	}
}

// Settings is the settings of a Trengo destination.
type Settings struct {
	APIToken          sink.Secret     `yaml:"api_token" reload:"true" required:"true" doc:"A personal access token; at least 8 characters, unless the host of base_url is loopback."`
	ChannelID         string          `yaml:"channel_id" doc:"The channel of new contacts and tickets; may be missing when events name it or only update."`
	ChannelIdentifier string          `yaml:"channel_identifier" default:"email" enum:"email,phone" doc:"What the channel knows its contacts by."`
	EnableDedup       bool            `yaml:"enable_dedup" default:"true" doc:"Look a contact up before it is created."`
	CreateContact     bool            `yaml:"create_contact" default:"false" doc:"A track event for an unknown contact creates it."`
	EventTemplates    []EventTemplate `yaml:"event_templates" reload:"true" doc:"The track events that open a ticket."`
	SubjectRef        bool            `yaml:"subject_ref" default:"false" doc:"Subjects of e-mail channels end with a reference like [ds-1a2b3c4d], by which a ticket is found exactly."`
	TimeZone          string          `yaml:"time_zone" doc:"The zone of times that Trengo writes without one, for receive and export, as Europe/Amsterdam; empty: that of each field, see docs/unified-model.md."`
	BaseURL           string          `yaml:"base_url" default:"https://app.trengo.com/api/v2" doc:"The address of the API."`
	AllowInsecure     bool            `yaml:"allow_insecure" default:"false" doc:"Plain http to another host than loopback."`
}

// EventTemplate names a track event and the subject of its ticket.
type EventTemplate struct {
	Event    string `yaml:"event" required:"true" doc:"The event's name, exact."`
	Template string `yaml:"template" doc:"The ticket's subject, in Handlebars; empty: none."`
}

// Endpoint implements desk.Settings.
func (s *Settings) Endpoint() desk.Endpoint {
	return desk.Endpoint{Key: "base_url", URL: s.BaseURL, AllowInsecure: s.AllowInsecure}
}

// Credential implements desk.Settings.
func (s *Settings) Credential() desk.Credential {
	return desk.Credential{Key: "api_token", Secret: s.APIToken}
}

// Validate implements desk.Settings.
func (s *Settings) Validate() error {
	return errors.Join(s.mapping().Validate(), checkZone(s.TimeZone))
}

func (s *Settings) mapping() mapping.Config {
	c := mapping.Config{
		ChannelID: s.ChannelID, ChannelIdentifier: mapping.Identifier(s.ChannelIdentifier),
		Dedup: s.EnableDedup, CreateContact: s.CreateContact, SubjectRef: s.SubjectRef,
	}
	for _, e := range s.EventTemplates {
		c.Templates = append(c.Templates, mapping.EventTemplate{Event: e.Event, Template: e.Template})
	}
	return c
}

func route(d desk.Destination, s desk.Settings, ids *sink.IDs) (sink.Route, error) {
	mapper, err := mapping.New(s.(*Settings).mapping())
	if err != nil {
		return sink.Route{}, err
	}
	client, info := sender.New(ids), sink.DestinationInfo{Name: d.Name, Type: Kind().Name}
	r := sink.Way[mapping.Message]{Map: mapper.Map, Send: client.Send, Merge: mapping.Merge, Warnings: warningsOf}.Route(info, d.Filter)
	if d.Rules != nil {
		referenced := s.(*Settings).SubjectRef && s.(*Settings).ChannelIdentifier == string(mapping.Email)
		r = ruled(mapper, client, referenced).Route(info, d)
	}
	if d.Rules != nil || len(s.(*Settings).EventTemplates) > 0 {
		r.OnRecord, r.Find = client.OnRecord, client.Find
	}
	return r, nil
}

func warningsOf(m mapping.Message) []string { return m.Warnings }

func demo(baseURL string) string {
	return `
name: support-inbox
trengo:
  api_token: demo-trengo
  channel_id: "123456"
  base_url: ` + baseURL + `
  event_templates:
    - {event: Order Completed, template: "{{ event }} {{ properties.order_id }} ({{ properties.eventNo }})"}
    - {event: Order Cancelled, template: "{{ event }} {{ properties.order_id }}: {{ properties.reason }} ({{ properties.eventNo }})"}
    - {event: Payment Failed, template: "{{ event }} of {{ properties.revenue }} {{ properties.currency }} ({{ properties.eventNo }})"}
    - {event: Return Requested, template: "{{ event }}: {{ properties.reason }} ({{ properties.eventNo }})"}
    - {event: Support Requested, template: "{{ event }} for {{ properties.order_id }} ({{ properties.eventNo }})"}
`
}
