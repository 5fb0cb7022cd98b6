package processor

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// quietAfter is how long a trouble has to be silent to be over.
const quietAfter = 30 * time.Second

// troubles are what can fail for many partitions and for long.
type troubles struct{ fetch, claim, commit, transaction *trouble }

// troubleParts are the names of the fields of troubles, in their order.
var troubleParts = [...]string{"fetch", "claim", "commit", "transaction"}

func newTroubles(log *slog.Logger) troubles {
	return troubles{
		fetch: newTrouble(
			func(attrs ...any) { log.Warn("fetching failed, trying again", attrs...) },
			func(attrs ...any) { log.Info("fetching recovered", attrs...) }),
		claim: newTrouble(
			func(attrs ...any) { log.Warn("claiming partitions failed, trying again", attrs...) },
			func(attrs ...any) { log.Info("claiming partitions recovered", attrs...) }),
		commit: newTrouble(
			func(attrs ...any) { log.Warn("commit failed, the next one covers it", attrs...) },
			func(attrs ...any) { log.Info("commits recovered", attrs...) }),
		transaction: newTrouble(
			func(attrs ...any) { log.Error("open transaction keeps source records from being read", attrs...) },
			func(attrs ...any) { log.Info("open transaction ended", attrs...) }),
	}
}

func (t *troubles) all() [len(troubleParts)]*trouble {
	return [...]*trouble{t.fetch, t.claim, t.commit, t.transaction}
}

// lasting are the names of those that have begun and are not over.
func (t *troubles) lasting() (names []string) {
	for i, one := range t.all() {
		if one.lasting() {
			names = append(names, troubleParts[i])
		}
	}
	return names
}

// trouble is something that fails again and again, for each of many partitions. It is
// logged when it begins, once for each of its causes, and when it is over.
type trouble struct {
	begun, over func(attrs ...any) // log it

	mu     sync.Mutex
	causes map[string]bool
	since  time.Time
	last   time.Time
	timer  *time.Timer
}

func newTrouble(begun, over func(attrs ...any)) *trouble {
	return &trouble{begun: begun, over: over, causes: make(map[string]bool)}
}

// met notes that it failed, with attributes of the log.
func (t *trouble) met(err error, attrs ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = time.Now()
	if t.timer == nil {
		t.since = t.last
		t.timer = time.AfterFunc(quietAfter, t.look)
	}
	if cause := causeOf(err); !t.causes[cause] && len(t.causes) < maxCauses {
		t.causes[cause] = true
		t.begun(append(attrs, "err", err)...)
	}
}

// causeOf is Kafka's name of an error, or its text, which may name places.
func causeOf(err error) string {
	if known, ok := errors.AsType[*kerr.Error](err); ok {
		return known.Message
	}
	return err.Error()
}

// maxCauses limits how many causes of one trouble are logged.
const maxCauses = 20

func (t *trouble) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer == nil {
		return
	}
	if left := quietAfter - time.Since(t.last); left > 0 {
		t.timer.Reset(left)
		return
	}
	t.over("lasted", t.last.Sub(t.since).Round(time.Second))
	t.timer = nil
	clear(t.causes)
}

// lasting reports whether it has begun and is not over.
func (t *trouble) lasting() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.timer != nil
}

// end stops watching.
func (t *trouble) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}
