package export_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/mapping/unified"
)

// catchUp catches up on a gap of an hour that ends now.
func (w *world) catchUp() error {
	w.t.Helper()
	now := time.Now()
	return w.catchUpOn(export.Gap{From: now.Add(-time.Hour), To: now})
}

func (w *world) catchUpOn(g export.Gap) error {
	return export.CatchUp(w.t.Context(), export.Options{
		Config: w.config, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)), CreateTopics: true, Notes: &w.notes,
	}, "desk", g)
}

// Of a desk that was never exported only what changed since the gap began is read, and only what it
// sends by webhook. The first walk is of all objects nevertheless.
func TestCatchUp_readsWhatTheDeskMayHaveSent(t *testing.T) {
	w := newWorld(t, "trengo", "users, contacts, tickets, comments")
	contact := w.contact(1)
	ticket := w.ticket(contact, 1)
	w.comment(ticket)
	if err := w.catchUp(); err != nil {
		t.Fatal(err)
	}
	calls := w.called("")
	if len(calls) == 0 || strings.Contains(strings.Join(calls, " "), "/contacts") || strings.Contains(strings.Join(calls, " "), "/users") {
		t.Errorf("the calls are %q, want those of tickets and their comments", calls)
	}
	if !strings.Contains(strings.Join(calls, " "), "updated_at_gt=") {
		t.Errorf("the calls are %q, want one that asks for changes", calls)
	}
	w.same(unified.Tickets, "/tickets")
	w.same(unified.Comments, "/tickets/"+ticket+"/messages")
	w.walk()
	if calls := strings.Join(w.called("/tickets?"), " "); strings.Contains(calls, "updated_at_gt") {
		t.Errorf("the first walk asks for changes only: %s", calls)
	}
	w.same(unified.Contacts, "/contacts")
}

// What another process has read after the gap need not be read again; what was read before it does.
func TestCatchUp_isDoneByAWalkThatBeganAfterTheGap(t *testing.T) {
	w := newWorld(t, "trengo", "tickets, comments")
	w.ticket(w.contact(1), 1)
	before := time.Now()
	w.walk()
	w.called("")
	if err := w.catchUpOn(export.Gap{From: before.Add(-time.Hour), To: before}); err != nil {
		t.Fatal(err)
	}
	if calls := w.called(""); len(calls) > 0 {
		t.Errorf("it made the calls %q", calls)
	}
	missed := w.ticket(w.contact(2), 2)
	if err := w.catchUp(); err != nil {
		t.Fatal(err)
	}
	if w.objects(unified.Tickets)[missed] == nil {
		t.Error("the ticket of the gap is missing")
	}
}

// A walk that was open when the gap ended has read some pages before it: another one follows.
func TestCatchUp_goesOnWithAnOpenWalkAndWalksAgain(t *testing.T) {
	w := newWorld(t, "kustomer", "tickets")
	contact := w.contact(1)
	for i := range 250 {
		w.ticket(contact, i)
	}
	ctx, stop := context.WithCancel(t.Context())
	w.meanwhile(func(n int, _ *http.Request) {
		if n > 5 { // four measure the list, of which the first page is the walk's, too
			stop()
		}
	})
	if w.try(ctx) == nil {
		t.Fatal("the walk is complete")
	}
	read := slices.Sorted(maps.Keys(w.objects(unified.Tickets)))[0]
	w.do("PUT", "/v1/conversations/"+read, `{"name":"missed"}`)
	if err := w.catchUp(); err != nil {
		t.Fatal(err)
	}
	if got := w.field(unified.Tickets, read, "subject"); got != "missed" {
		t.Errorf("the ticket that changed in the gap is %v", got)
	}
}

// While another process exports again and again it is that one which closes the gap, by a walk that began
// after it: the one that was open then does not count, and nobody walks beside it.
func TestCatchUp_besideAnExportIsLeftToIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "trengo", "tickets, comments")
	contact := w.contact(1)
	w.ticket(contact, 1)
	begun, goOn := make(chan struct{}), make(chan struct{})
	w.answer(func(http.ResponseWriter, *http.Request) bool {
		select {
		case <-begun:
		default:
			close(begun)
		}
		<-goOn
		return false
	})
	ctx, stop := context.WithCancel(t.Context())
	var others lockedBuffer
	ended := make(chan error, 1)
	go func() {
		ended <- export.Run(ctx, export.Options{
			Config: w.config, Log: slog.New(slog.NewTextHandler(&others, nil)), CreateTopics: true, Every: new(time.Millisecond), Alone: true,
		})
	}()
	<-begun
	gap := export.Gap{From: time.Now().Add(-time.Hour), To: time.Now()}
	missed := w.ticket(contact, 2)
	if err := w.catchUpOn(gap); !errors.Is(err, export.ErrNotAlone) {
		t.Errorf("while another process walks it ends with %v", err)
	}
	close(goOn)
	for strings.Count(others.String(), "list walked") < 2 { // one was open when the gap ended
		select {
		case err := <-ended:
			t.Fatalf("the export ended: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if err := w.catchUpOn(gap); err != nil {
		t.Errorf("after a walk of the other process: %v", err)
	}
	if w.objects(unified.Tickets)[missed] == nil {
		t.Error("the ticket of the gap is missing")
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the export ended with %v", err)
	}
	if strings.Contains(others.String(), "was removed") {
		t.Errorf("the export was disturbed: %s", others.String())
	}
}

// lockedBuffer may be read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestCatchUp_saysThatThereIsNothingToRead(t *testing.T) {
	w := newWorld(t, "trengo", "contacts, users")
	if err := w.catchUp(); !errors.Is(err, export.ErrNothingSent) {
		t.Errorf("it ends with %v", err)
	}
}
