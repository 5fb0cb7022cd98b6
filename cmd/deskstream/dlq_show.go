package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/trail"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

func newDLQShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show -c FILE ID",
		Short: "Shows one dead letter with its event, error, calls and headers",
		Long: `show prints the dead letter with the id, or with the only id that begins so: the
event, why it died, the calls and answers as the responses topic has them, what became
of it since, and all headers by the convention that they follow. The event is the
customer's data.`,
		Example: `  deskstream dlq show -c deskstream.yaml 3da411233457b7eba40df244529c9495
  deskstream dlq show -c deskstream.yaml 3da4 --json | jq .value`,
		Args: cobra.ExactArgs(1),
	}
	path, topic := configFlag(cmd), topicFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print one JSON object")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		s, err := a.showLetter(cmd.Context(), cfg, *topic, args[0])
		if err != nil {
			return err
		}
		if *asJSON {
			return outcomeEncoder(a.stdout).Encode(s)
		}
		_, err = io.WriteString(a.stdout, s.text())
		return err
	}
	return cmd
}

// shown is a letter with all that the topics know of it.
type shown struct {
	ID       string            `json:"id"`
	Dialects []letters.Dialect `json:"dialects"`
	Status   letters.Status    `json:"status"`
	State    *letters.State    `json:"state"`
	Letter   letters.Place     `json:"letter"`
	Source   letters.Source    `json:"source"`
	// Destination is ours, or another program's consumer.
	Destination string     `json:"destination,omitempty"`
	Error       shownError `json:"error"`
	Round       int        `json:"round"`
	Advice      string     `json:"advice"`
	// Record says of a letter that needs its record whether that is still there.
	Record   string            `json:"record,omitempty"`
	Outcomes []sink.Outcome    `json:"outcomes"`
	Sections []letters.Section `json:"sections"`
	Key      *string           `json:"key"`
	Value    json.RawMessage   `json:"value"` // the event, or a text that is none

	letter letters.Letter
}

type shownError struct {
	Stage      string `json:"stage,omitempty"`
	Class      string `json:"class,omitempty"`
	Code       string `json:"code,omitempty"`
	HTTPStatus int    `json:"http_status,omitempty"`
	Message    string `json:"message,omitempty"`
}

func (a *app) showLetter(ctx context.Context, cfg *config.Config, topic, id string) (*shown, error) {
	box, err := a.openLetterBox(ctx, cfg, topic)
	if err != nil {
		return nil, err
	}
	defer box.close()
	rec, l, err := box.findLetter(ctx, strings.ToLower(id))
	if err != nil {
		return nil, err
	}
	if err := box.readStates(ctx); err != nil {
		return nil, err
	}
	p := &pointer{rec: rec, letter: l}
	advice, found := letters.Advice(l), ""
	if needed := *l; l.NeedsRecord() {
		if err := box.resolve(ctx, []*pointer{p}); err != nil {
			return nil, err
		}
		found = p.found(needed)
	}
	value, err := asJSON(ctx, box.book.events, rec)
	if err != nil {
		return nil, fmt.Errorf("finding the schema of the letter: %w", err)
	}
	s := &shown{
		ID: l.ID, Dialects: letters.Dialects(rec.Headers), Status: box.states.Status(l.ID), Letter: l.At, Source: l.Source,
		Destination: l.Destination, Error: shownError{l.Stage, l.Class, l.Code, l.Status, l.Message},
		Round: l.Round, Advice: advice, Record: found, Sections: letters.Sections(rec.Headers), Value: valueJSON(value), letter: *l,
	}
	if key, ok := letters.KeyOf(l.ID); ok {
		if state, there := box.states[key]; there {
			s.State = &state
		}
	}
	if rec.Key != nil {
		key := letters.Show(rec.Key)
		s.Key = &key
	}
	s.Outcomes, err = box.outcomesOf(ctx, l)
	return s, err
}

// findLetter reads the topic for the letter whose id begins so.
func (b *letterBox) findLetter(ctx context.Context, id string) (*kgo.Record, *letters.Letter, error) {
	filter := letters.Filter{IDs: []string{id}}
	var found *kgo.Record
	var letter letters.Letter
	err := b.read(ctx, func(r *kgo.Record, l *letters.Letter) error {
		switch {
		case !filter.Match(l) || found != nil && l.ID == letter.ID:
			return nil
		case found != nil:
			return usageError{fmt.Errorf("more than one letter has an id that begins with %s: %s and %s", id, letter.ID, l.ID)}
		}
		found, letter = cloneRecord(r), *l
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if found == nil {
		return nil, nil, fmt.Errorf("no letter on %s has the id %s: it expired, or is on another topic", b.topic, id)
	}
	return found, &letter, nil
}

// cloneRecord is a record that does not keep its whole batch in memory.
func cloneRecord(r *kgo.Record) *kgo.Record {
	c := *r
	c.Key, c.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	c.Headers = make([]kgo.RecordHeader, len(r.Headers))
	for i, h := range r.Headers {
		c.Headers[i] = kgo.RecordHeader{Key: strings.Clone(h.Key), Value: bytes.Clone(h.Value)}
	}
	return &c
}

// outcomesOf are the outcomes of a letter's event, all rounds of it.
func (b *letterBox) outcomesOf(ctx context.Context, l *letters.Letter) ([]sink.Outcome, error) {
	outcomes := []sink.Outcome{}
	if !l.Source.Known {
		return outcomes, nil
	}
	source := trail.Record{Place: l.Source.Record(), Timestamp: l.Source.Timestamp}
	err := b.readResponses(ctx, l.Since(), func(e *topics.LedgerEntry, r *kgo.Record) error {
		if l.Own() && (e.Destination != l.Destination || e.Group != l.Source.Group) {
			return nil
		}
		if of, err := source.SettledBy(e, r); !of || err != nil {
			return err
		}
		o, err := trail.Outcome(r)
		outcomes = append(outcomes, o)
		return err
	})
	return outcomes, err
}

// valueJSON is a value as it stands in JSON: itself if it is JSON, null for none, else
// a text.
func valueJSON(value []byte) json.RawMessage {
	switch {
	case value == nil:
		return json.RawMessage("null")
	case json.Valid(value):
		return bytes.Clone(value)
	}
	text, _ := json.Marshal(letters.Show(value)) // a string cannot fail
	return text
}

// text is the letter for people.
func (s *shown) text() string {
	var b strings.Builder
	row := func(name string, parts ...string) {
		if list := compact(parts); len(list) > 0 {
			fmt.Fprintf(&b, "%-12s %s\n", name, oneLine(strings.Join(list, " ")))
		}
	}
	l := &s.letter
	at := "written"
	if l.KeptTime {
		at = "timestamp of its event" // when it was written is not known
	}
	row("letter", s.ID, "at", l.At.String(), at, when(l.At.Timestamp))
	row("status", string(s.Status), stateText(s.State))
	row("dialects", dialectText(s.Dialects))
	row("event", l.EventType, l.EventID, of("of", l.Lane))
	if l.Source.Known {
		row("source", l.Source.String(), timeText(l.Source.Timestamp), of("group", l.Source.Group), of("cluster", l.Source.Cluster))
	}
	row("record", s.Record)
	row("destination", s.Destination, of("settings", l.ConfigHash), of("version", l.AppVersion))
	row("error", l.Stage, l.Class, l.Code, oneLine(l.Message))
	row("attempts", fmt.Sprint(l.Attempts), of("from", l.FirstTry), of("to", l.LastTry))
	row("round", fmt.Sprint(l.Round), of("of plan", l.PlanID))
	row("to do", s.Advice)
	for i := range s.Outcomes {
		printOutcome(&b, &s.Outcomes[i])
	}
	for _, section := range s.Sections {
		fmt.Fprintf(&b, "\nheaders %s\n", orElse(string(section.Dialect), "that came with the record"))
		for _, h := range section.Headers {
			fmt.Fprintf(&b, "  %s: %s\n", oneLine(h.Name), oneLine(h.Value))
		}
	}
	if s.Key != nil {
		fmt.Fprintf(&b, "\nkey %s\n", oneLine(*s.Key))
	}
	fmt.Fprintf(&b, "\nvalue\n%s\n", indentJSON(s.Value))
	return b.String()
}

// printOutcome shows an outcome with its calls and answers.
func printOutcome(b *strings.Builder, o *sink.Outcome) {
	what := string(o.Outcome)
	switch {
	case o.Error != nil:
		what += fmt.Sprintf(" %s %s: %s", o.Error.Class, o.Error.Code, oneLine(o.Error.Message))
	case o.Reason != nil:
		what += " " + string(*o.Reason)
	}
	fmt.Fprintf(b, "\nround %d at %s: %s\n", o.Round, o.At, what)
	for i := range o.Calls {
		printCall(b, &o.Calls[i])
	}
	for _, warning := range o.Warnings {
		fmt.Fprintf(b, "  warning: %s\n", oneLine(warning))
	}
}

func printCall(b *strings.Builder, c *sink.CallRecord) {
	status := "no answer"
	if c.Status != nil {
		status = fmt.Sprint(*c.Status)
	}
	fmt.Fprintf(b, "  %s %s -> %s", c.Method, oneLine(c.URL), status)
	if c.Attempts > 1 {
		fmt.Fprintf(b, " after %d attempts", c.Attempts)
	}
	b.WriteString("\n")
	for _, body := range []struct {
		name string
		text sink.RawJSON
	}{{"request", c.Request}, {"response", c.Response}} {
		if !body.text.IsZero() {
			fmt.Fprintf(b, "    %s %s\n", body.name, oneLine(body.text.String()))
		}
	}
}

func stateText(s *letters.State) string {
	if s == nil {
		return ""
	}
	return strings.Join(compact([]string{
		"since " + when(s.At), of("by", s.By), of("because", s.Reason), of("plan", s.Plan), of("its new letter is", s.Next),
	}), " ")
}

func dialectText(list []letters.Dialect) string {
	texts := make([]string, len(list))
	for i, d := range list {
		texts[i] = string(d)
	}
	return orElse(strings.Join(texts, " "), "none that is known here")
}

// of is "name value", or nothing without a value.
func of(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func timeText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return when(at)
}

func indentJSON(value json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, value, "", "  ") != nil {
		return string(value)
	}
	return b.String()
}
