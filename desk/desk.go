package desk

import (
	"context"
	"maps"
	"slices"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// Kind is one kind of help desk. All that the program knows of a desk, it takes from here.
type Kind struct {
	// Name is the `type` of a destination, the key of its settings, and the desk's name in
	// outcomes and metrics.
	Name string
	// Title is the desk's name for people.
	Title string
	// Requests is how many requests a minute the vendor documents.
	Requests int
	// Check is the path of a cheap lookup that a valid credential may make, "" for none: then
	// a HEAD shows at least whether the address answers.
	Check string
	// Settings returns the block of settings that a file fills in: a pointer to a struct
	// whose fields have the tags of package config.
	Settings func() Settings
	// Route is the way of an event to a destination. s is what Settings returned, and valid.
	Route func(d Destination, s Settings, ids *sink.IDs) (sink.Route, error)
	// CheckRule returns what the desk, with settings that may be nil or invalid, cannot do of what a
	// rule asks for, joined errors as those of Settings.Validate, by the setting's path below the rule.
	// It is nil for a desk without rules.
	CheckRule func(rules.Rule, Settings) error
	// Inbound returns how what the desk sends and lists is read, for the destination of a name
	// with settings s. It is nil for a desk that sends nothing.
	Inbound func(destination string, s Settings) Inbound
	// Echo returns what a write comes back as from the desk, as sink.Config's. It is nil for a desk that
	// sends nothing.
	Echo func(call sink.Call, reply *sink.Reply) []sink.Echo
	// Self asks for the id of the user that the credential is of. It is nil where the desk cannot be
	// asked.
	Self func(ctx context.Context, do sink.Doer) (string, error)
	// Names reads what the desk has of a sort of name that rules use. ok is false where the desk
	// keeps no list of it. Errors: those of do. It is nil for a desk without such lists.
	Names func(ctx context.Context, do sink.Doer, sort rules.Sort) (_ Names, ok bool, err error)
	// NextPage returns the encoded parameters that ask for the page after a list's, as the desk
	// answers it: "" after the last page. It is nil for a desk that takes no calls over Kafka.
	NextPage func(answer mapping.Value) string
	// CannotMerge returns why events that save one person cannot go out as one call with settings s,
	// for people: "" where they can.
	CannotMerge func(s Settings) string
	// Lists are how the desk shows its objects, those that others are below first. It is nil for a
	// desk that cannot be exported.
	Lists func() []List
	// Stub returns a stub of the desk's API that holds nothing yet.
	Stub func() stub.API
	// Demo returns a destination of the desk for `deskstream demo`, as YAML without its type: its
	// name and its settings, for a stub at a base URL.
	Demo func(baseURL string) string
}

// Destination is what a destination's settings have in common, whatever its desk is.
type Destination struct {
	// Name is the destination's name in the configuration.
	Name string
	// Filter picks the events that it takes.
	Filter mapping.Filter
	// Rules are its rules, nil for none.
	Rules *rules.Rules
	// RuleFault is told of conditions that could not be evaluated, by the rule's name.
	RuleFault func(rule string, err error)
}

// Settings is the block of settings of one destination.
type Settings interface {
	// Endpoint is where calls go.
	Endpoint() Endpoint
	// Credential authenticates calls.
	Credential() Credential
	// Validate returns what the values cannot be, joined errors. The text of each begins with
	// the setting's path below the block and a colon: "event_templates[0].event: is blank".
	// Endpoint and credential are checked elsewhere.
	Validate() error
}

// Endpoint is the address of an API, and where the settings name it.
type Endpoint struct {
	// Key is the setting's key, like base_url.
	Key string
	// URL is its value.
	URL string
	// Base is what the paths of calls are appended to, where that is not URL; else "".
	Base string
	// AllowInsecure lets URL be plain http to a host that is not loopback.
	AllowInsecure bool
}

// Credential is what authenticates calls, and where the settings name it.
type Credential struct {
	// Key is the setting's key, like api_token, "" where calls have no bearer token.
	Key string
	// Secret is its value, sent as a bearer token.
	Secret sink.Secret
	// Headers are sent with each call besides, by name.
	Headers map[string]sink.Secret
}

// Secrets returns all that is secret in the credential.
func (c Credential) Secrets() []sink.Secret {
	secrets := slices.Collect(maps.Values(c.Headers))
	if c.Key != "" {
		secrets = append(secrets, c.Secret)
	}
	return secrets
}
