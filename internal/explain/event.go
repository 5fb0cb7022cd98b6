package explain

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Story is what the topics know of the events with one messageId.
type Story struct {
	ID       string          `json:"id"`
	Read     []letters.Place `json:"read"` // on the source topics
	Progress []StoryProgress `json:"progress"`
	Outcomes []sink.Outcome  `json:"outcomes"`
	Letters  []StoryLetter   `json:"letters"`

	records []journal.Record   // that Read names
	claims  map[delivery]int64 // the highest so far
	settled map[delivery]bool
}

// StoryLetter is a letter of a Story.
type StoryLetter struct {
	ID          string         `json:"id"`
	Letter      letters.Place  `json:"letter"`
	Source      letters.Place  `json:"source"`
	Destination string         `json:"destination"`
	Round       int            `json:"round"`
	Status      letters.Status `json:"status"`
	State       *letters.State `json:"state"`
}

// Event reads the topics for the events with a messageId.
func Event(ctx context.Context, o journal.Options, id string) (*Story, error) {
	box, err := journal.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer box.Close()
	defer output.Progress(box.Notes, func() string { return "reading the topics" })()
	s := &Story{
		ID: id, Read: []letters.Place{}, Progress: []StoryProgress{}, Outcomes: []sink.Outcome{}, Letters: []StoryLetter{},
		claims: map[delivery]int64{}, settled: map[delivery]bool{},
	}
	if err := box.ReadStates(ctx); err != nil {
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
		return nil, journal.NotFound("no event with messageId %q found: check the id, or its records have expired", id)
	}
	return s, nil
}

func (s *Story) readSources(ctx context.Context, box *journal.Journal) error {
	origins, err := box.Origins(ctx)
	if err != nil {
		return err
	}
	var extents []journal.Extent
	for _, topic := range box.Config.Inputs() {
		extent, err := journal.Find(ctx, box.Client, topic)
		if err != nil {
			return err
		}
		if offsets, _ := extent.Expired(); offsets > 0 {
			box.Note("the first %d offsets of %s were deleted: where an older event was read is known from its outcomes only", offsets, topic)
		}
		extents = append(extents, extent)
	}
	return journal.Read(ctx, box.Connect, func(r *kgo.Record) error {
		reader, decoder, err := box.ReaderOf(ctx, r.Topic, r)
		if err != nil {
			return fmt.Errorf("finding the schema of an event: %w", err)
		}
		if reader.ID(decoder, r.Value) != s.ID && box.CorrelationID(r) != s.ID {
			return nil
		}
		record := journal.RecordOf(r, origins[r.Topic])
		s.records = append(s.records, record)
		at := record.Timestamp
		if ev, err := reader.Event(decoder, r.Value); err == nil && at.IsZero() {
			at = sink.EventTime(ev)
		}
		s.Read = append(s.Read, letters.Place{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: at})
		return nil
	}, extents...)
}

// settles reports whether an outcome belongs to one of the records.
func (s *Story) settles(e *topics.LedgerEntry, r *kgo.Record) (bool, error) {
	for _, record := range s.records {
		if of, err := record.SettledBy(e, r); of || err != nil {
			return of, err
		}
	}
	return false, nil
}

// readOutcomes adds the outcomes of the source's records. Outcomes of events whose record has
// expired are found by their id.
func (s *Story) readOutcomes(ctx context.Context, box *journal.Journal) error {
	id := bytes.Trim(mapping.Str(s.ID).AppendJSON(nil), `"`) // as it stands in JSON
	return box.ReadEntries(ctx, time.Time{}, func(e *topics.LedgerEntry, r *kgo.Record) error {
		known, err := s.settles(e, r)
		if err != nil {
			return err
		}
		if known {
			s.addProgress(e, r)
		}
		if e.Outcome == topics.InProgress || !known && !bytes.Contains(r.Value, id) {
			return nil
		}
		o, err := journal.Outcome(r)
		if err != nil {
			return err
		}
		if known || o.Event.ID != nil && *o.Event.ID == s.ID {
			s.Outcomes = append(s.Outcomes, o)
		}
		return nil
	})
}

func (s *Story) readLetters(ctx context.Context, box *journal.Journal) error {
	return box.ReadLetters(ctx, func(_ *kgo.Record, l *letters.Letter) error {
		ofOurs := l.Source.Known && slices.ContainsFunc(s.records, journal.LetterRecord(l).Is)
		if l.EventID != s.ID && !ofOurs {
			return nil
		}
		found := StoryLetter{
			ID: l.ID, Letter: l.At, Source: l.Source.Place, Destination: l.Destination, Round: l.Round, Status: box.StatusOf(l),
		}
		if state := box.StateOf(l); state.ID != "" {
			found.State = &state
		}
		s.Letters = append(s.Letters, found)
		return nil
	})
}

// storyMoment is one line of a story.
type storyMoment struct {
	at   time.Time
	text string
}

// Text returns the story for people: each event, then each destination in order of time.
func (s *Story) Text() string {
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
	for i := range s.Progress {
		p := &s.Progress[i]
		add(p.Source.String(), p.Destination, p.At, s.progressText(p))
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
		add(l.Source.String(), l.Destination, l.Letter.Timestamp, string(output.Words("letter", l.ID, "at", l.Letter.String()))+"\n")
		if l.State != nil {
			add(l.Source.String(), l.Destination, l.State.At, string(output.Words("letter", l.ID, "is", string(l.Status), stateText(l.State)))+"\n")
		}
	}
	output.Printf(&b, "event %s\n", s.ID)
	for _, p := range s.Read {
		output.Printf(&b, "read at %s, %s\n", p, cmp.Or(output.KnownTime(p.Timestamp), "at an unknown time"))
	}
	if len(s.Read) == 0 {
		b.WriteString("no longer on the source topics\n")
	}
	if len(order) == 0 {
		b.WriteString("no outcome: not delivered yet (is run running?), or the outcome has expired\n")
	}
	slices.Sort(order)
	for _, key := range order {
		output.Printf(&b, "\n%s\n", key)
		list := moments[key]
		slices.SortStableFunc(list, func(x, y storyMoment) int { return cmp.Compare(x.at.UnixMilli(), y.at.UnixMilli()) })
		for _, m := range list {
			b.WriteString(output.Indent(m.text))
		}
	}
	return b.String()
}
