package config

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// Inbound is where what the help desks send is received and written.
type Inbound struct {
	Topic     string    `yaml:"topic" default:"helpdesk.events" doc:"The topic of unified events. May be one of source.topics."`
	Listen    string    `yaml:"listen" default:"127.0.0.1:9410" doc:"Where receive listens for webhooks; port 0: a free one, logged."`
	TLS       ServerTLS `yaml:"tls" doc:"Encryption of webhooks; without it, a proxy in front has to do it."`
	PublicURL string    `yaml:"public_url" doc:"The address under which the help desks reach receive, like https://hooks.example.com."`
}

// ServerTLS is the certificate of a server.
type ServerTLS struct {
	CertFile string `yaml:"cert_file" doc:"PEM file of the certificate, with those between it and the authority. Read again when it changes."`
	KeyFile  string `yaml:"key_file" doc:"PEM file of its key."`
}

// Webhooks is what a help desk sends, and how it is known to be from it.
type Webhooks struct {
	Events      []string      `yaml:"events" doc:"The unified events to have the desk send, as ticket.closed; receive takes all that come."`
	Secrets     []Secret      `yaml:"secrets" doc:"The secrets of the registrations: any of them may have signed. Files are read again when they change."`
	SecretsFile string        `yaml:"secrets_file" doc:"File with a secret for each registration. Read again when it changes."`
	Enrich      bool          `yaml:"enrich" default:"false" doc:"Whether receive adds the ticket and the contact, read from the desk within 2 seconds and the reserve of its rate limit."`
	User        string        `yaml:"user" doc:"The id or e-mail address of the desk's user that the credential is of: what it does is known as deskstream's own. Empty: Kustomer is asked; at Trengo own writes are known by the outcomes on record."`
	MaxAge      time.Duration `yaml:"max_age" default:"24h" min:"1s" doc:"What was signed longer ago is refused with 401."`
}

// Receives reports whether webhooks of the destination can be checked.
func (w Webhooks) Receives() bool { return len(w.Secrets) > 0 || w.SecretsFile != "" }

// checkInbound checks the block of the file.
func (c *Config) checkInbound(d *decoder) {
	in := c.Inbound
	d.checkTopic("inbound.topic", in.Topic)
	for _, other := range []string{c.Responses.Topic, c.DeadLetters.Topic, c.DeadLetters.Topic + ".state"} {
		if in.Topic == other {
			d.refuse("inbound.topic", "the topic is also that of outcomes or dead letters")
		}
	}
	d.checkAddress("inbound.listen", in.Listen)
	if in.Listen != "" && !strings.HasSuffix(in.Listen, ":0") && (in.Listen == c.HTTP.Listen || in.Listen == c.HTTP.Admin) {
		d.refuse("inbound.listen", "must not be the address of http.listen or http.admin")
	}
	if (in.TLS.CertFile == "") != (in.TLS.KeyFile == "") {
		d.refuse("inbound.tls", "cert_file and key_file belong together")
	}
	if in.PublicURL != "" {
		checkURL(d, "inbound.public_url", in.PublicURL, false)
	}
}

// checkWebhooks checks the block of a destination.
func checkWebhooks(d *decoder, path string, dest *Destination) {
	if !d.given(path) {
		return
	}
	kind, known := all.Kind(dest.Type)
	switch {
	case known && kind.Inbound == nil:
		d.refuse(path, "a %s destination sends no webhooks", dest.Type)
		return
	case !dest.Webhooks.Receives():
		d.refuse(path, "give secrets or secrets_file: without one no webhook could be known to be from the desk")
	}
	for i, secret := range dest.Webhooks.Secrets {
		at, text := indexed(path+".secrets", i), secret.Reveal()
		switch {
		case strings.TrimSpace(text) == "":
			d.refuse(at, "must not be blank")
		case strings.ContainsFunc(text, unicode.IsControl):
			d.refuse(at, "must not have a control character, such as a line break")
		case len(text) < sink.MinCredential:
			d.refuse(at, "must have at least %d characters", sink.MinCredential)
		}
	}
	if known && d.sound(path+".events") {
		subscriptions := kind.Inbound(dest.Name, kind.Settings()).Subscriptions
		for i, event := range dest.Webhooks.Events {
			at := indexed(path+".events", i)
			switch _, sent := subscriptions[unified.Type(event)]; {
			case !slices.Contains(unified.Types(), unified.Type(event)):
				d.refuse(at, "is no unified event%s", Suggest(event, unified.TypeNames()))
			case !sent:
				d.refuse(at, "%s has no webhook for it", kind.Title)
			}
		}
	}
}

// IsInbound reports whether a topic is that of unified events, and pipelines read it.
func (c *Config) IsInbound(topic string) bool {
	return topic == c.Inbound.Topic && slices.Contains(c.Source.Topics, topic)
}

// ReadsInbound reports whether pipelines read what the help desks send.
func (c *Config) ReadsInbound() bool { return c.IsInbound(c.Inbound.Topic) }
