package topics_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/deskstream/deskstream/sink/topics"
)

func TestWrite_letterHeadersStaySmall(t *testing.T) {
	long := strings.Repeat("\u00e9", 2<<10)
	e := dead()
	e.Lane = long
	e.Outcome.Event.ID = &long
	e.Outcome.Error.Message = long
	got := letterOf(t, e, topics.Connect, topics.Spring, topics.KIP1191)
	size := 0
	for _, h := range got.Headers {
		size += len(h.Key) + len(h.Value)
	}
	if size > 4<<10 {
		t.Errorf("our headers take %d bytes, want at most 4096", size)
	}
	for _, name := range []string{"dlq.message", "dlq.lane", "dlq.event.id", "kafka_dlt-exception-message"} {
		value := header(t, got, name)
		if body, ok := strings.CutSuffix(value, "\u2026"); !ok || strings.Trim(body, "\u00e9") != "" {
			t.Errorf("%s is not whole letters and the mark of the cut: %q", name, value)
		}
	}
}

func TestWrite_letterThatIsTooLargeShrinks(t *testing.T) {
	// How much is left beside the value for our headers, which are compressed with it.
	var forms []string
	for room := 2200; room >= 900; room -= 50 {
		e := dead()
		e.Source.Value = random(16384 - room)
		e.Outcome.Error.Message = letters(400)
		e.Progress = stepsTaken()
		letter := letterOf(t, e, topics.Connect, topics.Spring, topics.KIP1191)
		if count(letter, "dlq.steps") != 1 || count(letter, "dlq.steps.next") != 1 {
			t.Fatalf("letter without its steps: %v", headerNames(letter))
		}
		switch {
		case count(letter, "dlq.id") != 1:
			t.Fatalf("letter without an id: %v", headerNames(letter))
		case count(letter, "__connect.errors.topic") == 1:
			forms = append(forms, "whole")
		case count(letter, "dlq.message") == 1:
			forms = append(forms, "no dialects")
		default:
			forms = append(forms, "terse")
		}
	}
	if diff := cmp.Diff([]string{"whole", "no dialects", "terse"}, slices.Compact(forms)); diff != "" {
		t.Errorf("forms for less and less room (-want +got):\n%s", diff)
	}
}

func TestWrite_letterThatFitsInNoFormWaitsAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		e := dead()
		e.Source.Value = random(16384)
		done := 0
		b.writer.Write(t.Context(), e, func(int64, error) { done++ })
		time.Sleep(time.Hour)
		if got := b.logged("record did not fit its topic in any form and waits"); got != 1 {
			t.Errorf("said %d times that a letter waits, want once:\n%s", got, b.log)
		}
		if len(b.failures()) < 300 {
			t.Errorf("tried %d times in an hour, want more", len(b.failures()))
		}
		if done != 0 || len(b.Consume(t, responses)) != 0 {
			t.Errorf("done %d times and an outcome written without its letter", done)
		}
	})
}

// random is text that cannot be compressed.
func random(size int) []byte {
	text := make([]byte, size)
	r := rand.New(rand.NewPCG(1, uint64(size)))
	for i := range text {
		text[i] = byte(r.Uint32())
	}
	return text
}

// configure changes a setting of a topic.
func (b *bench) configure(t *testing.T, topic, key, value string) {
	t.Helper()
	_, err := b.Admin(t).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, topic)
	if err != nil {
		t.Fatalf("setting %s of %s: %v", key, topic, err)
	}
}

// compressible is text that the client counts in full and the broker does not.
func compressible(size int) []byte {
	return bytes.Repeat([]byte("all work and no play "), size/21+1)[:size]
}

func TestWrite_whatTheBrokerWouldTakeIsNotRefusedByTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		e := dead()
		e.Source.Value = compressible(10 * 16384)
		b.write(t, e)
		letter := b.only(t, deadLetters)
		if !bytes.Equal(letter.Value, e.Source.Value) || count(letter, "dlq.message") != 1 || count(letter, "__connect.errors.topic") != 1 {
			t.Errorf("letter of %d bytes with %v, want the whole of it", len(letter.Value), headerNames(letter))
		}
		if len(b.failures()) != 0 {
			t.Errorf("counted as failed: %v", b.failures())
		}
	})
}

func TestWrite_recordsThatFitEachStayWholeWhenTheirBatchDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		// The topic takes less than the client was told when it was made.
		b.configure(t, deadLetters, "max.message.bytes", "6000")
		var all sync.WaitGroup
		for i := range 20 {
			e := dead()
			e.Source.Offset, e.Source.Value = int64(i), random(3000)
			all.Add(1)
			b.writer.Write(t.Context(), e, func(int64, error) { all.Done() })
		}
		all.Wait()
		letters := b.Consume(t, deadLetters)
		if len(letters) != 20 {
			t.Errorf("%d letters, want 20", len(letters))
		}
		for _, l := range letters {
			if count(l, "__connect.errors.topic") != 1 {
				t.Errorf("letter %s was shrunk though it fits", header(t, l, "dlq.source.offset"))
			}
		}
	})
}

func TestWrite_aLetterThatWaitsGoesWhenItsTopicTakesMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		e := dead()
		e.Source.Value = random(20000)
		done := make(chan error, 1)
		b.writer.Write(t.Context(), e, func(_ int64, err error) { done <- err })
		time.Sleep(time.Hour)
		b.configure(t, deadLetters, "max.message.bytes", "65536")
		time.Sleep(11 * time.Second)
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("done with %v", err)
			}
		default:
			t.Errorf("still waits for a topic that takes it:\n%s", b.log)
		}
		if b.logged("topic writes recovered") != 1 {
			t.Errorf("the end was not told once:\n%s", b.log)
		}
	})
}

// The client repeats by itself what the broker says will pass, so no error shows.
func TestWrite_aTopicThatTakesNothingIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		fault := b.FailProduce(responses, -1, kerr.NotEnoughReplicas)
		var all sync.WaitGroup
		for i := range 50 {
			e := delivered()
			e.Source.Offset = int64(i)
			all.Add(1)
			b.writer.Write(t.Context(), e, func(int64, error) { all.Done() })
		}
		time.Sleep(5 * time.Second)
		if n := b.logged("topic took no record for long"); n != 0 {
			t.Errorf("told after 5s already")
		}
		time.Sleep(time.Hour)
		if n := b.logged("topic took no record for long"); n != 1 {
			t.Errorf("told %d times, want once:\n%s", n, b.log)
		}
		if got := b.writer.Backlogs()[responses]; got.Records != 50 || got.Oldest < time.Hour {
			t.Errorf("backlog %+v, want 50 records for more than an hour", got)
		}
		fault.Remove()
		all.Wait()
		if got := b.writer.Backlogs()[responses]; got != (topics.Backlog{}) || b.logged("topic writes recovered") != 1 {
			t.Errorf("backlog %+v after the end, which was told %d times", got, b.logged("topic writes recovered"))
		}
	})
}
