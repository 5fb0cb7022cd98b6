//go:build synctests

package processor_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
)

// tagged is a form that a decoder must be found for: a tag, then JSON.
type tagged struct {
	tag byte
	up  chan struct{} // closed once the decoder can be found
}

func (d *tagged) Known(r *kgo.Record) (mapping.Decoder, bool) {
	if !bytes.HasPrefix(r.Value, []byte{d.tag}) {
		return mapping.JSON, true
	}
	select {
	case <-d.up:
		return untagged{}, true
	default:
		return nil, false
	}
}

func (d *tagged) Find(ctx context.Context, _ *kgo.Record) (mapping.Decoder, error) {
	select {
	case <-d.up:
		return untagged{}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

type untagged struct{}

func (untagged) Decode(value []byte, p mapping.Pointer) (mapping.Value, error) {
	return mapping.JSON.Decode(value[1:], p)
}

func (untagged) Peek(value, key []byte, q *mapping.Query) string {
	return mapping.JSON.Peek(value[1:], key, q)
}

func tag(value []byte) []byte { return append([]byte{'#'}, value...) }

func TestDecode_aRecordWhoseDecoderIsNotFoundHoldsItsPartitionAndNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		decoders := &tagged{tag: '#', up: make(chan struct{})}
		w.cfg.Decoders = decoders
		// Of one user, a value in either form, so that order needs both decoders.
		w.send(0, event("a", 1), tag(event("a", 2)), event("a", 3), event("b", 1), tag(event("b", 2)))
		w.sendUser(1, "c", 1, 3)
		in := w.start()
		w.eventually("what can be read delivered", func() bool { return len(w.desk.ids()) == 4 })
		w.send(0, event("d", 1))
		time.Sleep(time.Hour)
		if got := w.desk.ids(); len(got) != 4 || slices.Contains(got, "a-3") || slices.Contains(got, "b-1") {
			t.Errorf("delivered while a decoder is missing: %q", got)
		}
		f := in.Figures()
		if !slices.Equal(f.Paused, []string{"schema"}) || f.Gap != 0 || f.Open != 4 {
			t.Errorf("paused by %q, gap %d, open %d, want schema, 0, 4", f.Paused, f.Gap, f.Open)
		}
		if at := w.committed(0); at != 1 {
			t.Errorf("committed %d, want 1, the record that waits", at)
		}
		close(decoders.up)
		w.settledAll()
		for user, want := range map[string][]string{"a": {"a-1", "a-2", "a-3"}, "b": {"b-1", "b-2"}, "d": {"d-1"}} {
			if diff := cmp.Diff(want, w.desk.of(user)); diff != "" {
				t.Errorf("events of %s (-want +got):\n%s", user, diff)
			}
		}
		if f := in.Figures(); len(f.Paused) > 0 || f.Gap != 0 {
			t.Errorf("paused by %q, gap %d, want nothing, 0", f.Paused, f.Gap)
		}
	})
}

func TestDecode_aStopDoesNotWaitForADecoder(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		decoders := &tagged{tag: '#', up: make(chan struct{})}
		w.cfg.Decoders = decoders
		w.send(0, event("a", 1), tag(event("a", 2)), event("a", 3))
		in := w.start()
		w.eventually("the first delivered", func() bool { return len(w.desk.ids()) == 1 })
		began := time.Now()
		in.stop()
		if took := time.Since(began); took > w.cfg.DrainTimeout {
			t.Errorf("the stop took %v", took)
		}
		if f := in.Figures(); f.Released != 2 || f.Gap != 0 {
			t.Errorf("released %d, gap %d, want 2, 0", f.Released, f.Gap)
		}
		close(decoders.up)
		w.start()
		w.settledAll()
		if diff := cmp.Diff([]string{"a-1", "a-2", "a-3"}, w.desk.ids()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
	})
}

func TestDecode_aValueThatNoDecoderTakesIsDeadAndKeepsItsBytes(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.cfg.Decoders = refusing{}
		w.send(0, []byte("\x00\x00\x00\x00\x07rest"), nil)
		w.start()
		w.settledAll()
		got := w.outcomes()
		slices.SortFunc(got, func(a, b outcome) int { return int(a.Source.Offset - b.Source.Offset) })
		if len(got) != 2 || got[0].Error == nil || got[0].Error.Code != "unknown_schema" || got[1].Outcome != "skipped" {
			t.Errorf("outcomes %+v, want one dead of unknown_schema and a tombstone", got)
		}
		letters := w.kafka.Consume(t, deadLetters)
		if len(letters) != 1 || string(letters[0].Value) != "\x00\x00\x00\x00\x07rest" {
			t.Errorf("letters %v, want the bytes as they came", letters)
		}
	})
}

type refusing struct{}

func (refusing) Known(*kgo.Record) (mapping.Decoder, bool) {
	return mapping.Refuse(&mapping.Error{Code: mapping.UnknownSchema, Message: "no such schema"}), true
}

func (r refusing) Find(_ context.Context, rec *kgo.Record) (mapping.Decoder, error) {
	d, _ := r.Known(rec)
	return d, nil
}
