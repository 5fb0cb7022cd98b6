package topics_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
	room := func(n int) topics.Entry {
		e := dead()
		e.Source.Value = make([]byte, 16384-n)
		e.Outcome.Error.Message = strings.Repeat("m", 400)
		return e
	}
	all := []topics.Dialect{topics.Connect, topics.Spring, topics.KIP1191}

	letter := letterOf(t, room(1700), all...)
	if count(letter, "__connect.errors.topic") != 0 || count(letter, "dlq.message") != 1 {
		t.Errorf("first the dialects should go, got %v", headerNames(letter))
	}
	letter = letterOf(t, room(1000), all...)
	if count(letter, "dlq.message") != 0 || count(letter, "dlq.id") != 1 {
		t.Errorf("then the message should go, got %v", headerNames(letter))
	}
}

func TestWrite_letterThatFitsInNoFormWaitsAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		e := dead()
		e.Source.Value = make([]byte, 16384)
		done := 0
		b.writer.Write(t.Context(), e, func(int64, error) { done++ })
		time.Sleep(time.Hour)
		if got := b.logged("record did not fit its topic and waits"); got != 1 {
			t.Errorf("said %d times that a letter waits, want once:\n%s", got, b.log)
		}
		if len(b.failed) < 300 {
			t.Errorf("tried %d times in an hour, want more", len(b.failed))
		}
		if done != 0 || len(b.Consume(t, responses)) != 0 {
			t.Errorf("done %d times and an outcome written without its letter", done)
		}
	})
}
