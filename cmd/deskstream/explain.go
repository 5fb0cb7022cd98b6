package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/scan"
	"github.com/deskstream/deskstream/internal/trail"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

func newExplainCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain -c FILE MESSAGE_ID",
		Short: "Tells the whole story of one event from the topics",
		Long: `explain reads the source topics, the responses topic, the dead-letter topic and the
letters' states for the event with the messageId, and prints where it was read and, per
destination, its calls, answers, deaths and revivals in order. The same id twice in the
source is two events. It asks no running process.`,
		Example: `  deskstream explain -c deskstream.yaml 0f3a9c52-7d1e-4c1b-9a55-2f6f0f7f9d11
  deskstream explain -c deskstream.yaml m-1 --json`,
		Args: cobra.ExactArgs(1),
	}
	path := configFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print one JSON object")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		s, err := a.explain(cmd.Context(), cfg, args[0])
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

// story is what the topics know of the events with one messageId.
type story struct {
	ID       string          `json:"id"`
	Read     []letters.Place `json:"read"` // on the source topics
	Outcomes []sink.Outcome  `json:"outcomes"`
	Letters  []storyLetter   `json:"letters"`

	records []trail.Record // that Read names
}

type storyLetter struct {
	ID          string         `json:"id"`
	Letter      letters.Place  `json:"letter"`
	Source      letters.Place  `json:"source"`
	Destination string         `json:"destination"`
	Round       int            `json:"round"`
	Status      letters.Status `json:"status"`
	State       *letters.State `json:"state"`
}

func (a *app) explain(ctx context.Context, cfg *config.Config, id string) (*story, error) {
	box, err := a.openLetterBox(ctx, cfg, "")
	if err != nil {
		return nil, err
	}
	defer box.close()
	defer startProgress(a.stderr, func() string { return "reading the topics" })()
	s := &story{ID: id, Read: []letters.Place{}, Outcomes: []sink.Outcome{}, Letters: []storyLetter{}}
	if err := box.readStates(ctx); err != nil {
		return nil, err
	}
	if err := s.readSources(ctx, box); err != nil {
		return nil, err
	}
	if err := s.readOutcomes(ctx, box); err != nil {
		return nil, err
	}
	if err := s.readLetters(ctx, box); err != nil {
		return nil, err
	}
	if len(s.Read)+len(s.Outcomes)+len(s.Letters) == 0 {
		return nil, fmt.Errorf("no topic knows an event with the messageId %q: it is another one, or has expired everywhere", id)
	}
	return s, nil
}

func (s *story) readSources(ctx context.Context, box *letterBox) error {
	origins, err := box.origins(ctx)
	if err != nil {
		return err
	}
	var extents []scan.Extent
	for _, topic := range box.cfg.Source.Topics {
		extent, err := scan.Find(ctx, box.cl, topic)
		if err != nil {
			return err
		}
		if offsets, _ := extent.Expired(); offsets > 0 {
			box.note("the first %d offsets of %s were deleted: where an older event was read is known from its outcomes only", offsets, topic)
		}
		extents = append(extents, extent)
	}
	return scan.Read(ctx, box.connect, func(r *kgo.Record) error {
		decoder, err := box.book.events.Try(ctx, r)
		if err != nil {
			return fmt.Errorf("finding the schema of an event: %w", err)
		}
		if box.reader.ID(decoder, r.Value) != s.ID {
			return nil
		}
		record := trail.RecordOf(r, origins[r.Topic])
		s.records = append(s.records, record)
		at := record.Timestamp
		if ev, err := box.reader.Event(decoder, r.Value); err == nil && at.IsZero() {
			at = sink.EventTime(ev)
		}
		s.Read = append(s.Read, letters.Place{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: at})
		return nil
	}, extents...)
}

// settles reports whether an outcome is of one of the records.
func (s *story) settles(e *topics.LedgerEntry, r *kgo.Record) (bool, error) {
	for _, record := range s.records {
		if of, err := record.SettledBy(e, r); of || err != nil {
			return of, err
		}
	}
	return false, nil
}

// readOutcomes takes outcomes of the source's records, and of events whose record has
// expired by their id.
func (s *story) readOutcomes(ctx context.Context, box *letterBox) error {
	id := bytes.Trim(mapping.Str(s.ID).AppendJSON(nil), `"`) // as it stands in JSON
	return box.readResponses(ctx, time.Time{}, func(e *topics.LedgerEntry, r *kgo.Record) error {
		known, err := s.settles(e, r)
		if err != nil {
			return err
		}
		if !known && !bytes.Contains(r.Value, id) {
			return nil
		}
		o, err := trail.Outcome(r)
		if err != nil {
			return err
		}
		if known || o.Event.ID != nil && *o.Event.ID == s.ID {
			s.Outcomes = append(s.Outcomes, o)
		}
		return nil
	})
}

func (s *story) readLetters(ctx context.Context, box *letterBox) error {
	return box.read(ctx, func(_ *kgo.Record, l *letters.Letter) error {
		source := trail.Record{Place: l.Source.Record(), Timestamp: l.Source.Timestamp}
		ofOurs := l.Source.Known && slices.ContainsFunc(s.records, source.Is)
		if l.EventID != s.ID && !ofOurs {
			return nil
		}
		found := storyLetter{
			ID: l.ID, Letter: l.At, Source: l.Source.Place, Destination: l.Destination, Round: l.Round, Status: box.states.Status(l.ID),
		}
		if key, ok := letters.KeyOf(l.ID); ok {
			if state, there := box.states[key]; there {
				found.State = &state
			}
		}
		s.Letters = append(s.Letters, found)
		return nil
	})
}

// moment of a story, as text.
type storyMoment struct {
	at   time.Time
	text string
}

// text is the story for people: each event, then each of its destinations in time.
func (s *story) text() string {
	var b strings.Builder
	moments := map[string][]storyMoment{} // by event and destination
	var order []string
	add := func(source, destination string, at time.Time, text string) {
		key := source + "  " + destination
		if moments[key] == nil {
			order = append(order, key)
		}
		moments[key] = append(moments[key], storyMoment{at, text})
	}
	for i := range s.Outcomes {
		o := &s.Outcomes[i]
		if o.Source == nil {
			continue
		}
		var text strings.Builder
		printOutcome(&text, o)
		place := letters.Place{Topic: o.Source.Topic, Partition: o.Source.Partition, Offset: o.Source.Offset}
		add(place.String(), o.Destination.Name, o.At.Time, strings.TrimPrefix(text.String(), "\n"))
	}
	for i := range s.Letters {
		l := &s.Letters[i]
		add(l.Source.String(), l.Destination, l.Letter.Timestamp, fmt.Sprintf("letter %s at %s\n", l.ID, l.Letter))
		if l.State != nil {
			add(l.Source.String(), l.Destination, l.State.At, fmt.Sprintf("letter %s is %s %s\n", l.ID, l.Status, stateText(l.State)))
		}
	}
	fmt.Fprintf(&b, "event %s\n", oneLine(s.ID))
	for _, p := range s.Read {
		fmt.Fprintf(&b, "read at %s, %s\n", p, orElse(timeText(p.Timestamp), "at an unknown time"))
	}
	if len(s.Read) == 0 {
		b.WriteString("no longer on the source topics\n")
	}
	if len(order) == 0 {
		b.WriteString("no outcome: not delivered yet (is run running?), or the outcome has expired\n")
	}
	slices.Sort(order)
	for _, key := range order {
		fmt.Fprintf(&b, "\n%s\n", oneLine(key))
		list := moments[key]
		slices.SortStableFunc(list, func(x, y storyMoment) int { return cmp.Compare(x.at.UnixMilli(), y.at.UnixMilli()) })
		for _, m := range list {
			b.WriteString(indent(m.text))
		}
	}
	return b.String()
}
