package unified

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/mailru/easyjson/jwriter"
)

// Entity is a kind of objects.
type Entity string

// The entities.
const (
	Contacts    Entity = "contacts"
	Accounts    Entity = "accounts"
	Groups      Entity = "groups"
	Tickets     Entity = "tickets"
	Comments    Entity = "comments"
	Attachments Entity = "attachments"
	Users       Entity = "users"
	Roles       Entity = "roles"
	Teams       Entity = "teams"
	Labels      Entity = "labels"
	Fields      Entity = "fields"
	Channels    Entity = "channels"
	Queues      Entity = "queues"
	Objects     Entity = "objects"
	Statuses    Entity = "statuses"
)

// Raw is JSON as the desk wrote it.
type Raw = json.RawMessage

// Object is any of the objects: a pointer to a Contact, an Account and so on.
type Object interface {
	// Head is what all objects have in common.
	Head() *Meta
}

// Meta is what all objects have in common.
type Meta struct {
	Schema      int    `json:"schema" doc:"The version of the model."`
	Desk        string `json:"desk" doc:"The kind of help desk, as trengo."`
	Destination string `json:"destination" doc:"The destination's name in the configuration."`
	ID          string `json:"id" doc:"The desk's id."`
	URL         string `json:"url,omitempty" doc:"Where the API has the object, as a path or an address."`
	CreatedAt   Time   `json:"created_at,omitempty" doc:"When it was created."`
	UpdatedAt   Time   `json:"updated_at,omitempty" doc:"When it was changed last."`
	Deleted     bool   `json:"deleted,omitempty" doc:"Whether the desk shows it as deleted."`
	Raw         Raw    `json:"raw,omitempty" doc:"The desk's original. Missing inside an event, whose own raw holds it, unless it was read from the desk."`
}

// Head implements Object.
func (m *Meta) Head() *Meta { return m }

// Ref is another object, by id and name; either may be unknown.
type Ref struct {
	ID   string `json:"id,omitempty" doc:"The desk's id."`
	Name string `json:"name,omitempty" doc:"The name that people see."`
	Type string `json:"type,omitempty" doc:"Of a channel: its kind, in the desk's word."`
}

// Actor is who wrote or did something.
type Actor struct {
	Type string `json:"type" doc:"contact, user, system or unknown."`
	ID   string `json:"id,omitempty" doc:"The desk's id."`
	Name string `json:"name,omitempty" doc:"The name that people see."`
}

// The types of an Actor.
const (
	ActorContact = "contact"
	ActorUser    = "user"
	ActorSystem  = "system"
)

// Address is an e-mail address or a phone number.
type Address struct {
	Value    string `json:"value" doc:"The address as the desk has it."`
	Type     string `json:"type,omitempty" doc:"As home or work, in the desk's word."`
	Shared   bool   `json:"shared,omitempty" doc:"Whether other contacts may have it too."`
	Verified *bool  `json:"verified,omitempty" doc:"Whether the desk takes it as verified."`
}

// Values are fields that an account defines itself, by the desk's name. A value is any JSON.
type Values map[string]Raw

// MarshalEasyJSON writes them in order, as encoding/json does.
func (v Values) MarshalEasyJSON(w *jwriter.Writer) {
	if v == nil {
		w.RawString("null")
		return
	}
	w.RawByte('{')
	for i, name := range slices.Sorted(maps.Keys(v)) {
		if i > 0 {
			w.RawByte(',')
		}
		w.String(name)
		w.RawByte(':')
		w.Raw(v[name], nil)
	}
	w.RawByte('}')
}

// UnknownWord stands for a word of a desk that the model does not know.
const UnknownWord = "unknown"
