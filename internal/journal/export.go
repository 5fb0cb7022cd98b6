package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
)

// Export writes the events of the letters that the picker takes and that are open, one JSON object on
// a line, as they were before they came here; with all those of letters that are closed too. It notes
// how many it wrote, and how many are no JSON objects, which no line can hold.
func (j *Journal) Export(ctx context.Context, picker letters.Picker, all bool, to io.Writer) error {
	e := exporting{journal: j, all: all, to: to}
	if err := e.run(ctx, picker); err != nil {
		return err
	}
	j.Note("%s exported", output.Count(e.written, "event"))
	if e.unusable > 0 {
		j.Note("%s left out: what they hold is no JSON object; dlq show shows it", output.Count(e.unusable, "letter"))
	}
	if e.closed > 0 {
		j.Note("%s closed, delivered or discarded: --all exports them", output.Count(e.closed, "letter"))
	}
	return nil
}

// exporting is one Export.
type exporting struct {
	journal                   *Journal
	all                       bool
	to                        io.Writer
	written, unusable, closed int
}

func (e *exporting) run(ctx context.Context, picker letters.Picker) error {
	var looked atomic.Int64
	total := e.journal.Extent.Len()
	defer output.Progress(e.journal.Notes, func() string { return fmt.Sprintf("%d of %d records", looked.Load(), total) })()
	e.journal.Looked = func() { looked.Add(1) }
	return e.journal.Pick(ctx, picker, func(r *kgo.Record, _ *letters.Letter, status letters.Status) error {
		if status.Closed() && !e.all {
			e.closed++
			return nil
		}
		return e.write(ctx, r)
	})
}

// write writes the event of a letter as one line.
func (e *exporting) write(ctx context.Context, r *kgo.Record) error {
	value, err := codec.JSON(ctx, e.journal.Codec.Events, r)
	if err != nil {
		return fmt.Errorf("finding the schema of a letter: %w", err)
	}
	if trimmed := bytes.TrimSpace(value); !bytes.HasPrefix(trimmed, []byte("{")) || !json.Valid(trimmed) {
		e.unusable++
		return nil
	}
	var line bytes.Buffer
	if err := json.Compact(&line, value); err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	line.WriteByte('\n')
	if _, err := e.to.Write(line.Bytes()); err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	e.written++
	return nil
}
