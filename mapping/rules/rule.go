package rules

import "time"

// Rule is one rule as the configuration has it. Texts that an event decides are templates, see
// Context.
type Rule struct {
	Name      string  `yaml:"name" required:"true" doc:"Like a destination's; shown in outcomes, letters and metrics."`
	Match     Pattern `yaml:"match" doc:"The events that it is about."`
	When      string  `yaml:"when" doc:"A condition in CEL over the event; every number is a double. Empty: none."`
	Default   bool    `yaml:"default" default:"false" doc:"First do what the destination does without rules."`
	Own       bool    `yaml:"own" default:"false" doc:"Also take events of a help desk that deskstream itself caused; else they are skipped as own."`
	Priority  string  `yaml:"priority" enum:"high,normal,low" doc:"Of its events among those that wait; empty: that of delivery.priority for their type, else normal."`
	Contact   Contact `yaml:"contact" doc:"The Trengo contact or Kustomer customer."`
	Ticket    Ticket  `yaml:"ticket" doc:"The Trengo ticket or Kustomer conversation."`
	Send      Send    `yaml:"send" doc:"A message to the contact without a ticket (Trengo)."`
	Object    Object  `yaml:"object" doc:"A KObject of the customer, found by the id that its owner gives it (Kustomer)."`
	OnMissing string  `yaml:"on_missing" default:"warn" enum:"warn,dead" doc:"What becomes of a name that the desk does not have: warn leaves it out, dead ends the event as unknown_name."`
}

// Pattern says which events a rule is about.
type Pattern struct {
	Type  string   `yaml:"type" default:"track" doc:"The type of the event."`
	Event []string `yaml:"event" doc:"Names of the event, exact, or with stars for any text. Empty: every event of the type."`
}

// Contact is what a rule does to the person of the event.
type Contact struct {
	Create  bool              `yaml:"create" default:"false" doc:"Create the contact if there is none."`
	Fields  map[string]string `yaml:"fields" doc:"Fields by title or id, at Kustomer attributes by name; the values are templates."`
	Groups  []string          `yaml:"groups" doc:"Contact groups to join, templates; at Kustomer tags of the customer."`
	Profile string            `yaml:"profile" doc:"The profile that the contact belongs to, by name, at Kustomer the company, a template; made if there is none."`
	Note    string            `yaml:"note" doc:"A note for agents (Trengo), a template."`
}

// Ticket is what a rule does to a ticket.
type Ticket struct {
	Find           Find              `yaml:"find" doc:"Which ticket is meant: key is the one of ticket.key, newest the contact's newest open one, {id: TEMPLATE} the one of an id. Empty: key where one is given, else newest."`
	Key            string            `yaml:"key" doc:"Of one user there is one open ticket for a key; later events find it again. A template."`
	KeyTTL         time.Duration     `yaml:"key_ttl" default:"2160h" doc:"How long a key is kept after its last use, like 90d."`
	Open           string            `yaml:"open" enum:"always,once,never" doc:"always opens one; once opens one if none is found; never leaves the event skipped then. Empty: once where a key or find is given, else always."`
	Reopen         bool              `yaml:"reopen" default:"false" doc:"Open the closed ticket of the key again instead of a new one."`
	Subject        string            `yaml:"subject" doc:"A template."`
	Channel        string            `yaml:"channel" doc:"Overrides the destination's."`
	Team           string            `yaml:"team" doc:"By name or id."`
	User           string            `yaml:"user" doc:"By e-mail address, name or id."`
	Labels         []string          `yaml:"labels" doc:"Labels to put on, templates; at Kustomer tags."`
	RemoveLabels   []string          `yaml:"remove_labels" doc:"Labels to take off, templates."`
	Fields         map[string]string `yaml:"fields" doc:"Fields of tickets by title or id; the values are templates."`
	Queue          string            `yaml:"queue" doc:"By name or id (Kustomer)."`
	Urgency        int               `yaml:"urgency" default:"0" min:"0" below:"6" doc:"The priority, 1 to 5 (Kustomer); 0: as it is."`
	Note           string            `yaml:"note" doc:"A note for agents, a template."`
	Message        string            `yaml:"message" doc:"Goes out to the contact (Trengo) or is recorded (Kustomer), a template."`
	Template       Template          `yaml:"template" doc:"An approved WhatsApp template instead of a message (Trengo)."`
	App            string            `yaml:"app" doc:"The app of a recorded message (Kustomer)."`
	MessageChannel string            `yaml:"message_channel" doc:"The channel of a recorded message, like email, sms or chat (Kustomer)."`
	Status         string            `yaml:"status" enum:"open,closed,snoozed" doc:"What the ticket is afterwards; empty: as it is. snoozed is Kustomer's."`
	Snooze         Snooze            `yaml:"snooze" doc:"With snoozed."`
	Result         string            `yaml:"result" doc:"With closed: a ticket result by name or id (Trengo)."`
}

// Find is which ticket a rule is about: a word, or the ticket of an id.
type Find struct {
	Word string `word:"key,newest"` // "" for none
	ID   string `yaml:"id" doc:"The desk's id of the ticket, a template."`
}

// Template is an approved template of a WhatsApp message.
type Template struct {
	ID     string            `yaml:"id" doc:"The id of the template."`
	Params map[string]string `yaml:"params" doc:"The values of its places, templates."`
}

// Snooze is how long a conversation is snoozed.
type Snooze struct {
	For time.Duration `yaml:"for" default:"0s" doc:"From when the event is delivered, like 24h."`
}

// Send is a message without a ticket.
type Send struct {
	Channel  string   `yaml:"channel" doc:"Overrides the destination's."`
	Subject  string   `yaml:"subject" doc:"A template."`
	Message  string   `yaml:"message" doc:"A template."`
	Template Template `yaml:"template" doc:"An approved WhatsApp template instead of a message."`
}

// Object is an object of the customer's own, such as an order.
type Object struct {
	Class string            `yaml:"class" doc:"The name of its class."`
	ID    string            `yaml:"id" doc:"The id that its owner gives it, a template."`
	Title string            `yaml:"title" doc:"A template."`
	Data  map[string]string `yaml:"data" doc:"Its attributes; the values are templates. One that is a single {{ name }} keeps its type."`
}
