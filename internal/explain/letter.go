package explain

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
)

// Shown is a letter with all that the topics know of it.
type Shown struct {
	ID       string            `json:"id"`
	Dialects []letters.Dialect `json:"dialects"`
	Status   letters.Status    `json:"status"`
	State    *letters.State    `json:"state"`
	Letter   letters.Place     `json:"letter"`
	Source   letters.Source    `json:"source"`
	// Destination is a destination of this program, or the consumer of another program.
	Destination string     `json:"destination,omitempty"`
	Error       ShownError `json:"error"`
	Round       int        `json:"round"`
	Advice      string     `json:"advice"`
	// Record says whether the source record of a letter that needs it still exists.
	Record   string            `json:"record,omitempty"`
	Outcomes []sink.Outcome    `json:"outcomes"`
	Sections []letters.Section `json:"sections"`
	Key      *string           `json:"key"`
	Value    json.RawMessage   `json:"value"` // the event, or a text that is none

	letter letters.Letter
}

// ShownError says why a letter died.
type ShownError struct {
	Stage      string `json:"stage,omitempty"`
	Class      string `json:"class,omitempty"`
	Code       string `json:"code,omitempty"`
	HTTPStatus int    `json:"http_status,omitempty"`
	Message    string `json:"message,omitempty"`
}

// Letter reads the topics for the letter whose id begins with id.
func Letter(ctx context.Context, o journal.Options, id string) (*Shown, error) {
	box, err := journal.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer box.Close()
	rec, l, err := box.FindLetter(ctx, strings.ToLower(id))
	if err != nil {
		return nil, err
	}
	if err := box.ReadStates(ctx); err != nil {
		return nil, err
	}
	before := *l
	p := &journal.Pointer{Record: rec, Letter: l}
	advice, found := letters.Advice(l), ""
	if needed := *l; l.NeedsRecord() {
		if err := box.Resolve(ctx, []*journal.Pointer{p}); err != nil {
			return nil, err
		}
		found = p.Describe(needed)
	}
	value, err := codec.JSON(ctx, box.Codec.Events, rec)
	if err != nil {
		return nil, fmt.Errorf("finding the schema of the letter: %w", err)
	}
	s := &Shown{
		ID: l.ID, Dialects: letters.Dialects(rec.Headers), Status: box.StatusOf(&before), Letter: l.At, Source: l.Source,
		Destination: l.Destination, Error: ShownError{l.Stage, l.Class, l.Code, l.Status, l.Message},
		Round: l.Round, Advice: advice, Record: found, Sections: letters.Sections(rec.Headers), Value: valueJSON(value), letter: *l,
	}
	if state := box.StateOf(&before); state.ID != "" {
		s.State = &state
	}
	if rec.Key != nil {
		key := letters.Show(rec.Key)
		s.Key = &key
	}
	s.Outcomes, err = box.OutcomesOf(ctx, l)
	return s, err
}

// Read returns the letter as its headers describe it, with what its record adds.
func (s *Shown) Read() *letters.Letter { return &s.letter }

// StateText says what became of the letter, "" for nothing.
func (s *Shown) StateText() string { return stateText(s.State) }

// valueJSON returns a value in JSON: itself if it is JSON, null for none, else a string.
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

// Text returns the letter for people.
func (s *Shown) Text() string {
	var b strings.Builder
	row := func(name string, parts ...string) {
		if text := output.Words(parts...); text != "" {
			output.Printf(&b, "%-12s %s\n", name, text)
		}
	}
	l := &s.letter
	at := "written"
	if l.KeptTime {
		at = "timestamp of its event" // when it was written is not known
	}
	row("letter", s.ID, "at", l.At.String(), at, output.Time(l.At.Timestamp))
	row("status", string(s.Status), stateText(s.State))
	row("dialects", dialectText(s.Dialects))
	row("event", l.EventType, l.EventID, output.Named("of", l.Lane))
	if l.Source.Known {
		row("source", l.Source.String(), output.KnownTime(l.Source.Timestamp), output.Named("group", l.Source.Group), output.Named("cluster", l.Source.Cluster))
	}
	row("record", s.Record)
	row("destination", s.Destination, output.Named("settings", l.ConfigHash), output.Named("version", l.AppVersion))
	row("error", l.Stage, l.Class, l.Code, l.Message)
	row("attempts", fmt.Sprint(l.Attempts), output.Named("from", l.FirstTry), output.Named("to", l.LastTry))
	row("round", fmt.Sprint(l.Round), output.Named("of plan", l.PlanID))
	for _, text := range letters.StepTexts(l.Progress()) {
		row("before", text)
	}
	row("to do", s.Advice)
	for i := range s.Outcomes {
		printOutcome(&b, &s.Outcomes[i])
	}
	for _, section := range s.Sections {
		output.Printf(&b, "\nheaders %s\n", cmp.Or(string(section.Dialect), "that came with the record"))
		for _, h := range section.Headers {
			output.Printf(&b, "  %s: %s\n", h.Name, h.Value)
		}
	}
	if s.Key != nil {
		output.Printf(&b, "\nkey %s\n", *s.Key)
	}
	fmt.Fprintf(&b, "\nvalue\n%s\n", output.IndentJSON(s.Value))
	return b.String()
}

// printOutcome prints an outcome with its calls and responses.
func printOutcome(b *strings.Builder, o *sink.Outcome) {
	what := []string{string(o.Outcome)}
	switch {
	case o.Error != nil:
		what = append(what, string(o.Error.Class), string(o.Error.Code)+":", o.Error.Message)
	case o.Reason != nil:
		what = append(what, string(*o.Reason))
	}
	what = append(what, output.Named("by rule", o.Rule), MergedText(o.MergedInto))
	output.Printf(b, "\nround %d at %s: %s\n", o.Round, o.At, output.Words(what...))
	for i := range o.Calls {
		printCall(b, &o.Calls[i])
	}
	for _, step := range o.Steps {
		output.Printf(b, "  step %s: %s\n", step.Name, step.State)
	}
	for _, warning := range o.Warnings {
		output.Printf(b, "  warning: %s\n", warning)
	}
}

// MergedText says with which event another one went out, "" for none.
func MergedText(m *sink.MergedInto) string {
	if m == nil {
		return ""
	}
	text := "in the calls of"
	if m.ID != nil {
		text += " " + *m.ID
	}
	if m.Offset != nil {
		text += fmt.Sprintf(" at offset %d", *m.Offset)
	}
	return text
}

func printCall(b *strings.Builder, c *sink.CallRecord) {
	status := "no answer"
	if c.Status != nil {
		status = fmt.Sprint(*c.Status)
	}
	output.Printf(b, "  %s %s -> %s", c.Method, c.URL, status)
	if c.Attempts > 1 {
		fmt.Fprintf(b, " after %d attempts", c.Attempts)
	}
	b.WriteString("\n")
	for _, body := range []struct {
		name string
		text sink.RawJSON
	}{{"request", c.Request}, {"response", c.Response}} {
		if !body.text.IsZero() {
			output.Printf(b, "    %s %s\n", body.name, output.Shown(output.LineOf(body.text.String(), output.MaxBody)))
		}
	}
}

func stateText(s *letters.State) string {
	if s == nil {
		return ""
	}
	return strings.Join(output.NonEmpty([]string{
		"since " + output.Time(s.At), output.Named("by", s.By), output.Named("because", s.Reason), output.Named("plan", s.Plan), output.Named("its new letter is", s.Next),
	}), " ")
}

func dialectText(list []letters.Dialect) string {
	texts := make([]string, len(list))
	for i, d := range list {
		texts[i] = string(d)
	}
	return cmp.Or(strings.Join(texts, " "), "none that is known here")
}
