package receive

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping"
)

const (
	trengoSecret   = "trengo-secret-1"
	kustomerSecret = "kustomer-token-1"
	settingsText   = `
inbound: {topic: inbound}
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-for-trengo}
    webhooks: {secrets: [` + trengoSecret + `, trengo-secret-2]}
  - name: crm
    type: kustomer
    kustomer: {api_key: key-for-kustomer}
    webhooks: {secrets: [` + kustomerSecret + `]}
  - name: deaf
    type: trengo
    trengo: {api_token: token-for-trengo}
`
)

// kafka is a Kafka that acknowledges each record, unless take says otherwise.
type kafka struct {
	mu      sync.Mutex
	records []*kgo.Record
	// take returns whether a record is acknowledged now, and with which error. nil: now, with none.
	take func(r *kgo.Record) (now bool, err error)
	held []func(error)
	// discard forgets the records.
	discard bool
}

func (k *kafka) TryProduce(_ context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	k.mu.Lock()
	now, err := true, error(nil)
	if k.take != nil {
		now, err = k.take(r)
	}
	if !now {
		k.held = append(k.held, func(err error) {
			k.done(r, err)
			promise(r, err)
		})
	}
	k.mu.Unlock()
	if now {
		k.done(r, err)
		go promise(r, err)
	}
}

// done keeps a copy of a record: its memory is used again once it is acknowledged.
func (k *kafka) done(r *kgo.Record, err error) {
	if err == nil && !k.discard {
		k.mu.Lock()
		defer k.mu.Unlock()
		kept := *r
		kept.Key, kept.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
		k.records = append(k.records, &kept)
	}
}

// hold leaves records unacknowledged until release.
func (k *kafka) hold() { k.set(func(*kgo.Record) (bool, error) { return false, nil }) }

func (k *kafka) set(take func(*kgo.Record) (bool, error)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.take = take
}

// release ends what hold began, for the records that wait with err.
func (k *kafka) release(err error) {
	k.mu.Lock()
	held := k.held
	k.take, k.held = nil, nil
	k.mu.Unlock()
	for _, done := range held {
		done(err)
	}
}

// written are the events on the topic.
func (k *kafka) written(t testing.TB) []mapping.Value {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	var events []mapping.Value
	for _, r := range k.records {
		v, err := mapping.ParseObject(r.Value)
		if err != nil {
			t.Fatalf("an event that cannot be read: %v", err)
		}
		events = append(events, v)
	}
	return events
}

// tooLargeFor refuses records of more bytes.
func tooLargeFor(most int) func(*kgo.Record) (bool, error) {
	return func(r *kgo.Record) (bool, error) {
		if len(r.Value) > most {
			return true, kerr.MessageTooLarge
		}
		return true, nil
	}
}

// world is a handler with what is around it.
type world struct {
	*handler
	config *config.Config
	kafka  *kafka
	log    *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func newWorld(t testing.TB, settings string) world {
	t.Helper()
	cfg := configtest.Parse(t, "%s", settings)
	buffer := new(lockedBuffer)
	log := slog.New(slog.NewTextHandler(buffer, &slog.HandlerOptions{Level: slog.LevelDebug}))
	senders, err := wiring.Senders(cfg, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	m := newMetrics()
	hooks, err := hooksOf(t.Context(), senders, m, log)
	if err != nil {
		t.Fatal(err)
	}
	k := new(kafka)
	w := &writer{client: k, topic: cfg.Inbound.Topic, timeout: ackTimeout, log: log, metrics: m}
	m.watch(w)
	return world{newHandler(hooks, w, m, log), cfg, k, buffer}
}

// post sends a request, and returns the status.
func (w world) post(r *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, r)
	return recorder
}

func request(t testing.TB, path, contentType string, body io.Reader) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://hooks.example"+path, body)
	r.Header.Set("Content-Type", contentType)
	return r
}

// trengo is a webhook as Trengo sends it.
func trengo(t testing.TB, event, body string, at time.Time) *http.Request {
	t.Helper()
	r := request(t, "/webhooks/inbox/"+event, "application/x-www-form-urlencoded", bytes.NewReader([]byte(body)))
	r.Header.Set("Trengo-Signature", trengoSignature(trengoSecret, body, at))
	return r
}

func trengoSignature(secret, body string, at time.Time) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	return seconds + ";" + macOf(secret, seconds+"."+body)
}

// kustomer is a webhook as Kustomer sends it.
func kustomer(t testing.TB, body string) *http.Request {
	t.Helper()
	r := request(t, "/webhooks/crm", "application/json", bytes.NewReader([]byte(body)))
	r.Header.Set("X-Kustomer-Webhook-Signature", macOf(kustomerSecret, body))
	return r
}

func macOf(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}
