package unified

// User is somebody who works at the desk, or a program that does.
type User struct {
	Meta

	Name     string   `json:"name,omitempty" doc:"The name that people see."`
	Email    string   `json:"email,omitempty" doc:"The e-mail address."`
	Role     *Ref     `json:"role,omitempty" doc:"The role that gives it rights."`
	TeamIDs  []string `json:"team_ids,omitempty" doc:"The teams that it is in."`
	Active   *bool    `json:"active,omitempty" doc:"Whether it may log in."`
	TimeZone string   `json:"time_zone,omitempty" doc:"Its time zone."`
	Kind     string   `json:"kind,omitempty" doc:"person, machine or unknown."`
}

// The words of User.Kind.
const (
	Person  = "person"
	Machine = "machine"
)

// Role is a set of rights of users.
type Role struct {
	Meta

	Name string `json:"name,omitempty" doc:"The name that people see."`
}

// Team is a group of users.
type Team struct {
	Meta

	Name       string   `json:"name,omitempty" doc:"The name that people see."`
	UserIDs    []string `json:"user_ids,omitempty" doc:"The users in it."`
	ChannelIDs []string `json:"channel_ids,omitempty" doc:"The channels that it sees."`
}

// Label is a label or tag of tickets.
type Label struct {
	Meta

	Name     string `json:"name,omitempty" doc:"The name that people see."`
	Color    string `json:"color,omitempty" doc:"Its colour, in the desk's form."`
	Archived *bool  `json:"archived,omitempty" doc:"Whether it is kept for old tickets only."`
}

// Field is a custom field.
type Field struct {
	Meta

	Entity   string   `json:"entity,omitempty" doc:"Whose field it is: contact, account, ticket, object:<class> or unknown."`
	Name     string   `json:"name,omitempty" doc:"The name that the API has."`
	Title    string   `json:"title,omitempty" doc:"The name that people see."`
	Type     string   `json:"type,omitempty" doc:"The type, in the desk's word."`
	Options  []string `json:"options,omitempty" doc:"The values to choose from."`
	Required *bool    `json:"required,omitempty" doc:"Whether it has to have a value."`
}

// Channel is a way in which contacts write.
type Channel struct {
	Meta

	Name   string `json:"name,omitempty" doc:"The name that people see."`
	Type   string `json:"type,omitempty" doc:"The kind, in the desk's word."`
	Active *bool  `json:"active,omitempty" doc:"Whether it is in use."`
}

// Queue is where tickets wait for a user.
type Queue struct {
	Meta

	Name string `json:"name,omitempty" doc:"The name that people see."`
}

// Custom is an object of a class that the owner defined, as an order.
type Custom struct {
	Meta

	Class      string `json:"class,omitempty" doc:"The class, by the desk's name."`
	ExternalID string `json:"external_id,omitempty" doc:"Its id in the owner's own systems."`
	Title      string `json:"title,omitempty" doc:"The title that people see."`
	ContactID  string `json:"contact_id,omitempty" doc:"The contact that it is of."`
	AccountID  string `json:"account_id,omitempty" doc:"The account that it is of."`
	Data       Raw    `json:"data,omitempty" doc:"What the owner put into it."`
	Fields     Values `json:"fields,omitempty" doc:"Custom fields."`
}
