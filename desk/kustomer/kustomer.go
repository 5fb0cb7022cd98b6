// Package kustomer describes Kustomer, https://www.kustomer.com, as a help desk.
package kustomer

import (
	"errors"
	"strings"

	"github.com/deskstream/deskstream/desk"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	mapping "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/mapping/kustomer/inbound"
	"github.com/deskstream/deskstream/sink"
	sender "github.com/deskstream/deskstream/sink/kustomer"
)

// Kind describes Kustomer.
func Kind() desk.Kind {
	return desk.Kind{
		Name: "kustomer", Title: "Kustomer",
		Requests:    1000, // of an organisation: developer.kustomer.com, rate limiting
		Check:       "/v1/users/current",
		Settings:    func() desk.Settings { return new(Settings) },
		Route:       route,
		CheckRule:   checkRule,
		Inbound:     reads,
		NextPage:    sender.NextPage,
		CannotMerge: func(desk.Settings) string { return "" },
		Echo:        sender.Echo,
		Self:        sender.Self,
		Names:       names,
		Lists:       lists,
		Stub:        stubkustomer.New,
		Demo:        demo,
	}
}

// Settings is the settings of a Kustomer destination.
type Settings struct {
	APIKey                         sink.Secret `yaml:"api_key" reload:"true" required:"true" doc:"An API key with rights on customers and tracking; at least 8 characters, unless the host of base_url is loopback."`
	BaseURL                        string      `yaml:"base_url" default:"https://api.kustomerapp.com" doc:"US; EU is https://api.prod2.kustomerapp.com, India https://api.prod4.kustomerapp.com, or the organisation's own host."`
	AllowInsecure                  bool        `yaml:"allow_insecure" default:"false" doc:"Plain http to another host than loopback."`
	AdvancedTransform              bool        `yaml:"advanced_transform" default:"true" doc:"Clean event names and properties to what the API takes."`
	SetIdentityEmail               bool        `yaml:"set_identity_email" default:"false" doc:"Name the identity of tracking events by e-mail too."`
	DisableEmailAsTrackingProperty bool        `yaml:"disable_email_as_tracking_property" default:"false" doc:"Leave the e-mail out of tracking properties."`
	GenericPage                    bool        `yaml:"generic_page" default:"false" doc:"One event name for all pages."`
	GenericScreen                  bool        `yaml:"generic_screen" default:"false" doc:"One event name for all screens."`
	EventTime                      string      `yaml:"event_time" doc:"The member of a tracking event's meta that takes the event's own time, like occurredAt; empty: none."`
	Lists                          string      `yaml:"lists" default:"merge" enum:"merge,replace,leave" doc:"What an update does with the customer's e-mails, phones, tags and other lists: merge adds the event's entries to them, replace sends the event's entries alone, leave sends none."`
}

// Endpoint implements desk.Settings.
func (s *Settings) Endpoint() desk.Endpoint {
	return desk.Endpoint{Key: "base_url", URL: s.BaseURL, AllowInsecure: s.AllowInsecure}
}

// Credential implements desk.Settings.
func (s *Settings) Credential() desk.Credential {
	return desk.Credential{Key: "api_key", Secret: s.APIKey}
}

// Validate implements desk.Settings.
func (s *Settings) Validate() error {
	err := s.mapping().Validate()
	if strings.HasSuffix(strings.TrimRight(s.BaseURL, "/"), "/v1") {
		err = errors.Join(errors.New("base_url: leave out /v1: each call adds it"), err)
	}
	return err
}

func (s *Settings) mapping() mapping.Config {
	return mapping.Config{
		AdvancedTransform: s.AdvancedTransform, SetIdentityEmail: s.SetIdentityEmail,
		DisableEmailAsTrackingProperty: s.DisableEmailAsTrackingProperty,
		GenericPage:                    s.GenericPage, GenericScreen: s.GenericScreen,
		EventTime: s.EventTime,
		Lists:     mapping.ListMode(s.Lists),
	}
}

func route(d desk.Destination, s desk.Settings, ids *sink.IDs) (sink.Route, error) {
	mapper, client := mapping.New(s.(*Settings).mapping()), sender.New(ids)
	info := sink.DestinationInfo{Name: d.Name, Type: Kind().Name}
	if d.Rules == nil {
		return sink.Way[mapping.Message]{Map: mapper.Map, Send: client.Send, Merge: mapping.Merge, Warnings: warningsOf}.Route(info, d.Filter), nil
	}
	r := ruled(mapper, client).Route(info, d)
	r.Find = client.Find
	r.OnRecord = func(string, sink.StepRecord) {} // what is made is found by its externalId: there is nothing to remember
	return r, nil
}

func reads(destination string, _ desk.Settings) desk.Inbound {
	r := inbound.New(Kind().Name, destination)
	return desk.Inbound{Subscriptions: inbound.Subscriptions(), Signature: inbound.Signature, Event: r.Event, Enrich: enrich(r), Hooks: hooks, Objects: r.Objects()}
}

func warningsOf(m mapping.Message) []string { return m.Warnings }

func demo(baseURL string) string {
	return `
name: crm
kustomer:
  api_key: demo-kustomer
  base_url: ` + baseURL + `
`
}
