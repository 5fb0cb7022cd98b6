package journal

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// FindLetter reads the dead-letter topic for the letter whose id begins with id. Of several
// letters with one id, which earlier versions wrote after a topic was recreated, it returns
// the latest.
func (j *Journal) FindLetter(ctx context.Context, id string) (*kgo.Record, *letters.Letter, error) {
	picker, err := (&letters.Filter{IDs: []string{id}}).Compile()
	if err != nil {
		return nil, nil, err
	}
	var found *kgo.Record
	var letter letters.Letter
	known := NewLetters()
	err = j.ReadLetters(ctx, func(r *kgo.Record, l *letters.Letter) error {
		switch {
		case !picker.Picks(l) || known.Seen(l):
			return nil
		case found != nil && l.ID != letter.ID:
			return &config.FlagError{Err: fmt.Errorf("more than one letter has an id that begins with %s: %s and %s", id, letter.ID, l.ID)}
		case found != nil:
			j.Note("another letter has this id, too: at %s, of the record %s before the topic was recreated", letter.At, letter.Source)
		}
		found, letter = topics.CloneRecord(r), *l
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if found == nil {
		return nil, nil, NotFound("no letter on %s has the id %s: it expired, or is on another topic", j.Topic, id)
	}
	return found, &letter, nil
}

// OutcomesOf returns the outcomes of a letter's event, of all rounds.
func (j *Journal) OutcomesOf(ctx context.Context, l *letters.Letter) ([]sink.Outcome, error) {
	outcomes := []sink.Outcome{}
	if !l.Source.Known {
		return outcomes, nil
	}
	source := LetterRecord(l)
	err := j.ReadOutcomes(ctx, l.Since(), func(e *topics.LedgerEntry, r *kgo.Record) error {
		if l.Own() && (e.Destination != l.Destination || e.Group != l.Source.Group) {
			return nil
		}
		if of, err := source.SettledBy(e, r); !of || err != nil {
			return err
		}
		o, err := Outcome(r)
		outcomes = append(outcomes, o)
		return err
	})
	return outcomes, err
}
