package redrive

import (
	"context"
	"fmt"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/topics"
)

// keyTexts say for people what the keys of a letter's event name.
func keyTexts(c *candidate) (texts []string) {
	if c.named == nil {
		return nil
	}
	for _, found := range c.named.Found() {
		switch {
		case found.ID == "":
			texts = append(texts, "its key names no ticket")
		case found.Closed:
			texts = append(texts, "its key names ticket "+found.ID+", closed")
		default:
			texts = append(texts, "its key names ticket "+found.ID+", open")
		}
	}
	return texts
}

// keysTopic is the topic of the keys of the destinations that letters are sent to, "" for none.
func (l *locked) keysTopic(c *config.Config) string {
	for name := range l.members {
		if d, _ := c.Destination(name); d.HasKeys() {
			return c.KeysTopic(d)
		}
	}
	return ""
}

// namedBy are the keys of a letter that is being sent. They are put on record as of its event,
// without a claim. DESIGN: Keys.
func (r *redelivery) namedBy(c *candidate) *keys.OfEvent {
	named := r.rehearsal.named(c)
	if named == nil {
		return nil
	}
	if c.named != nil && len(c.named.Found()) > 0 { // as it was rehearsed
		r.warnOfKeys.Do(func() {
			r.box.Note("rules of the letters find tickets by keys: live events may open a ticket for the key of a letter meanwhile")
		})
	}
	named.Write = func(ctx context.Context, n keys.Named) error {
		return r.writeKey(ctx, c, topics.KeyRecord{Name: n.Name, Entry: n.Entry})
	}
	return named
}

// writeKey puts a key on record, and returns when it is read back.
func (r *redelivery) writeKey(ctx context.Context, c *candidate, k topics.KeyRecord) error {
	type acknowledged struct {
		partition int32
		offset    int64
		err       error
	}
	done := make(chan acknowledged, 1)
	r.writers[c.destination].WriteKey(ctx, c.original, k, func(partition int32, offset int64, err error) {
		done <- acknowledged{partition, offset, err}
	})
	written := <-done
	if written.err != nil {
		return fmt.Errorf("%w: writing a key of letter %s: %w", sink.ErrInterrupted, c.letter.ID, written.err)
	}
	return r.rehearsal.keys.Read(ctx, c.destination, written.partition, written.offset)
}

// removeKeys removes the keys that a letter has closed, since its outcome is on record.
func (r *redelivery) removeKeys(ctx context.Context, c *candidate) error {
	if c.named == nil {
		return nil
	}
	for _, n := range c.named.Closed() {
		if err := r.writeKey(ctx, c, topics.KeyRecord{Name: n.Name, Entry: n.Entry, Removed: true}); err != nil {
			return err
		}
	}
	return nil
}
