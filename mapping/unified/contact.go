package unified

// Contact is a person or company that writes to the desk.
type Contact struct {
	Meta

	Name        string    `json:"name,omitempty" doc:"The name that people see."`
	Emails      []Address `json:"emails,omitempty" doc:"E-mail addresses."`
	Phones      []Address `json:"phones,omitempty" doc:"Phone numbers."`
	ExternalIDs []string  `json:"external_ids,omitempty" doc:"Ids in the owner's own systems."`
	Groups      []Ref     `json:"groups,omitempty" doc:"Groups, or what the desk uses as such."`
	AccountID   string    `json:"account_id,omitempty" doc:"The account that it belongs to."`
	Fields      Values    `json:"fields,omitempty" doc:"Custom fields."`
	Channels    []Ref     `json:"channels,omitempty" doc:"The channels that it writes on."`
	Private     *bool     `json:"private,omitempty" doc:"Whether only one user sees it."`
	Locale      string    `json:"locale,omitempty" doc:"Its language, in the desk's form."`
	TimeZone    string    `json:"time_zone,omitempty" doc:"Its time zone."`
}

// Account is a person or company over several contacts.
type Account struct {
	Meta

	Name        string    `json:"name,omitempty" doc:"The name that people see."`
	ExternalIDs []string  `json:"external_ids,omitempty" doc:"Ids in the owner's own systems."`
	Domains     []string  `json:"domains,omitempty" doc:"Domains of its e-mail addresses."`
	Emails      []Address `json:"emails,omitempty" doc:"E-mail addresses."`
	Phones      []Address `json:"phones,omitempty" doc:"Phone numbers."`
	Fields      Values    `json:"fields,omitempty" doc:"Custom fields."`
}

// Group is a group of contacts.
type Group struct {
	Meta

	Name string `json:"name,omitempty" doc:"The name that people see."`
}
