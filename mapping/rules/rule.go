package rules

// Rule is one rule as the configuration has it. Texts that an event decides are templates, see
// Context.
type Rule struct {
	Name      string  `yaml:"name" required:"true" doc:"Like a destination's; shown in outcomes, letters and metrics."`
	Match     Pattern `yaml:"match" doc:"The events that it is about."`
	When      string  `yaml:"when" doc:"A condition in CEL over the event; every number is a double. Empty: none."`
	Default   bool    `yaml:"default" default:"false" doc:"First do what the destination does without rules."`
	Contact   Contact `yaml:"contact" doc:"The Trengo contact or Kustomer customer."`
	Ticket    Ticket  `yaml:"ticket" doc:"The Trengo ticket or Kustomer conversation."`
	OnMissing string  `yaml:"on_missing" default:"warn" enum:"warn,dead" doc:"What becomes of a name that the desk does not have: warn leaves it out, dead ends the event as unknown_name."`
}

// Pattern says which events a rule is about.
type Pattern struct {
	Type  string   `yaml:"type" default:"track" doc:"The type of the event."`
	Event []string `yaml:"event" doc:"Names of the event, exact, or with stars for any text. Empty: every event of the type."`
}

// Contact is what a rule does to the person of the event.
type Contact struct {
	Create bool              `yaml:"create" default:"false" doc:"Create the contact if there is none."`
	Fields map[string]string `yaml:"fields" doc:"Fields by title or id, at Kustomer attributes by name; the values are templates."`
	Note   string            `yaml:"note" doc:"A note for agents (Trengo), a template."`
}

// Ticket is what a rule does to a ticket.
type Ticket struct {
	Find         string            `yaml:"find" default:"newest" enum:"newest" doc:"Which ticket is meant: newest is the contact's newest open one."`
	Open         string            `yaml:"open" default:"once" enum:"always,once,never" doc:"always opens one; once opens one if none is found; never leaves the event skipped then."`
	Subject      string            `yaml:"subject" doc:"A template."`
	Channel      string            `yaml:"channel" doc:"Overrides the destination's."`
	Team         string            `yaml:"team" doc:"By name or id."`
	User         string            `yaml:"user" doc:"By e-mail address, name or id."`
	Labels       []string          `yaml:"labels" doc:"Labels to put on, templates; at Kustomer tags."`
	RemoveLabels []string          `yaml:"remove_labels" doc:"Labels to take off, templates."`
	Fields       map[string]string `yaml:"fields" doc:"Fields of tickets by title or id; the values are templates."`
	Note         string            `yaml:"note" doc:"A note for agents, a template."`
	Message      string            `yaml:"message" doc:"Goes out to the contact (Trengo) or is recorded (Kustomer), a template."`
	Status       string            `yaml:"status" enum:"open,closed" doc:"What the ticket is afterwards; empty: as it is."`
	Result       string            `yaml:"result" doc:"With closed: a ticket result by name or id (Trengo)."`
}
