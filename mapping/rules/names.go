package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Sort is a sort of name that rules have, which a desk knows by a list of its own.
type Sort string

// The sorts, as people call them.
const (
	TeamNames         Sort = "team"
	UserNames         Sort = "user"
	LabelNames        Sort = "label"
	GroupNames        Sort = "contact group"
	ContactFieldNames Sort = "field of contacts"
	TicketFieldNames  Sort = "field of tickets"
	ChannelNames      Sort = "channel"
	QueueNames        Sort = "queue"
	ResultNames       Sort = "ticket result"
	ClassNames        Sort = "class"
	TemplateNames     Sort = "template"
)

// Reference is a name in a rule that the file decides, not the event.
type Reference struct {
	// Rule is the rule's name, and Path the setting below it: ticket.team.
	Rule, Path string
	Sort       Sort
	Name       string
	// Strict says that an event dies of a name that the desk does not have.
	Strict bool
}

// References are the names in rules that a desk has to know, in the order of the rules. Those that
// depend on the event are left out.
func References(list []Rule) (found []Reference) {
	for i := range list {
		r := &list[i]
		add := func(path string, sort Sort, name string) {
			if !blank(name) && !strings.Contains(name, "{{") {
				found = append(found, Reference{Rule: r.Name, Path: path, Sort: sort, Name: strings.TrimSpace(name), Strict: r.OnMissing == "dead"})
			}
		}
		each := func(path string, sort Sort, names []string) {
			for k, name := range names {
				add(fmt.Sprintf("%s[%d]", path, k), sort, name)
			}
		}
		keys := func(path string, sort Sort, of map[string]string) {
			for _, name := range slices.Sorted(maps.Keys(of)) {
				add(path+"."+name, sort, name)
			}
		}
		keys("contact.fields", ContactFieldNames, r.Contact.Fields)
		each("contact.groups", GroupNames, r.Contact.Groups)
		add("ticket.channel", ChannelNames, r.Ticket.Channel)
		add("ticket.team", TeamNames, r.Ticket.Team)
		add("ticket.user", UserNames, r.Ticket.User)
		add("ticket.queue", QueueNames, r.Ticket.Queue)
		each("ticket.labels", LabelNames, r.Ticket.Labels)
		each("ticket.remove_labels", LabelNames, r.Ticket.RemoveLabels)
		keys("ticket.fields", TicketFieldNames, r.Ticket.Fields)
		add("ticket.template.id", TemplateNames, r.Ticket.Template.ID)
		add("ticket.result", ResultNames, r.Ticket.Result)
		add("send.channel", ChannelNames, r.Send.Channel)
		add("send.template.id", TemplateNames, r.Send.Template.ID)
		add("object.class", ClassNames, r.Object.Class)
	}
	return found
}
