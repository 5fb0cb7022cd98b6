package trengo

import (
	"errors"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
)

// checkRule implements desk.Kind's CheckRule.
func checkRule(r rules.Rule) error {
	if r.Ticket.Result != "" && r.Ticket.Status != "closed" {
		return errors.New("ticket.result: needs status: closed")
	}
	return nil
}

// message is what to tell Trengo about one event: what the destination does without rules, and
// what a rule asks for.
type message struct {
	mapped.Message

	contact  mapped.Contact
	decision *rules.Decision // nil for none
}

// mapper maps events by the settings and the rules.
type mapper struct {
	*mapped.Mapper

	rules *rules.Rules // nil for none
	fault func(rule string, err error)
}

// mapEvent says what to tell Trengo about an event. Errors: those of Map, and of a rule's
// templates.
func (m mapper) mapEvent(ev mapping.Event) (message, error) {
	if m.rules == nil {
		plain, err := m.Map(ev)
		return message{Message: plain}, err
	}
	decision, ok, err := m.rules.Decide(ev, m.fault)
	if err != nil {
		return message{}, err
	}
	if !ok {
		plain, err := m.Map(ev)
		return message{Message: plain}, err
	}
	told := message{decision: &decision}
	if decision.Default {
		told.Message, err = m.Map(ev)
		if _, nothing := errors.AsType[mapping.Skip](err); err != nil && !nothing {
			return message{}, err
		}
	}
	var warnings []string
	if told.contact, warnings, err = m.Contact(ev); err != nil {
		return message{}, err
	}
	decision.Warnings = append(decision.Warnings, warnings...)
	return told, nil
}
