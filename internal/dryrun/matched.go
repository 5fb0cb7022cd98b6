package dryrun

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// Matched says which rule of a destination decides about an event, and why the others do not.
type Matched struct {
	Event       sink.EventInfo       `json:"event"`
	Destination sink.DestinationInfo `json:"destination"`
	// Rule decides. It is nil when no rule matches: the destination acts as without rules.
	Rule *string `json:"rule"`
	// Call marks a call, which no rule is asked about.
	Call bool `json:"call,omitempty"`
	// Rules are all of the destination's, in their order. They are empty when none is asked.
	Rules []rules.Verdict `json:"rules"`
	// Reason and Error say why none is asked: the event is skipped, or dies, before that.
	Reason *mapping.Skip `json:"reason"`
	Error  *Fault        `json:"error"`
	Source *sink.Source  `json:"source"`
}

// Fault is an error in an event.
type Fault struct {
	Code    mapping.Code `json:"code"`
	Message string       `json:"message"`
}

// match says for each destination which of its rules decides about a record.
func (r *run) match(record *kgo.Record, decoder mapping.Decoder) error {
	for i, p := range r.pipelines {
		m := Matched{Destination: sink.DestinationInfo{Name: p.Config.Name, Type: p.Config.Type}, Rules: []rules.Verdict{}}
		m.Call = record.Topic == "" && p.IsCall(record.Value) // none is on a source topic
		reader := p.ReaderOf(record.Topic, record.Value)
		lane := reader.Lane(decoder, record.Value, record.Key)
		ev, err := read(reader, p.Filter, record.Value, decoder)
		m.Event = sink.InfoOf(ev, lane)
		m.Source = r.source(p, record, sink.KnownTime(record.Timestamp))
		switch {
		case m.Call:
		case err != nil:
			m.refuse(err)
		case p.Rules != nil:
			m.Rules = p.Rules.Verdicts(ev)
		}
		for _, v := range m.Rules {
			if v.Matched {
				m.Rule = &v.Rule
			}
		}
		if err := r.write(&m, i == 0); err != nil {
			return fmt.Errorf("writing a plan: %w", err)
		}
	}
	return nil
}

// read reads a record's event. The error says why no rule of a destination is asked about it.
func read(reader *mapping.Reader, filter mapping.Filter, value []byte, decoder mapping.Decoder) (mapping.Event, error) {
	if value == nil {
		return mapping.Event{}, mapping.Tombstone
	}
	ev, err := reader.Event(decoder, value)
	if err != nil {
		return mapping.Event{}, err
	}
	return ev, filter.Check(ev)
}

// refuse takes in the error of read.
func (m *Matched) refuse(err error) {
	if skip, ok := errors.AsType[mapping.Skip](err); ok {
		m.Reason = &skip
		return
	}
	m.Error = &Fault{Message: err.Error()}
	if fault, ok := errors.AsType[*mapping.Error](err); ok {
		m.Error = &Fault{fault.Code, fault.Message}
	}
}

// write writes one Matched. first is that of the first destination.
func (r *run) write(m *Matched, first bool) error {
	if !r.Text {
		return r.out.Encode(m)
	}
	if first {
		r.events++
		name := func(text *string) string {
			if text == nil {
				return ""
			}
			return *text
		}
		title := output.Words(name(m.Event.Type), name(m.Event.Name), output.Named("messageId", name(m.Event.ID)))
		if title == "" {
			title = "cannot be read"
		}
		if _, err := fmt.Fprintf(r.Out, "event %d: %s\n", r.events, title); err != nil {
			return err
		}
	}
	return m.text(r.Out)
}

// text writes for people which rule decides, and why the others do not.
func (m *Matched) text(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	output.Printf(table, "  %s: %s\n", m.Destination.Name, m.summary())
	for _, v := range m.Rules {
		output.Printf(table, "    %s\t%s\n", v.Rule, why(v))
	}
	return table.Flush()
}

func (m *Matched) summary() string {
	switch {
	case m.Call:
		return "no rule is asked about a call"
	case m.Reason != nil:
		return "no rule is asked, the event is skipped: " + string(*m.Reason)
	case m.Error != nil:
		return "no rule is asked, the event dies: " + string(m.Error.Code) + ", " + m.Error.Message
	case m.Rule != nil:
		return "rule " + *m.Rule + " decides"
	case len(m.Rules) == 0:
		return "has no rules"
	}
	return "no rule matches, the destination acts as without rules"
}

// why is a verdict in words.
func why(v rules.Verdict) string {
	switch v.Reason {
	case rules.OtherType:
		return "is about another type of event"
	case rules.OtherName:
		return "is about events of other names"
	case rules.ConditionFalse:
		return "its condition is false"
	case rules.ConditionFailed:
		return "its condition fails: " + v.Detail
	case rules.EarlierRule:
		return "would match, but " + v.Detail + " comes first"
	}
	return "decides"
}
