package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/letters"
)

// inAvro is a clinic whose events and outcomes are in Avro, and what encodes them.
func inAvro(t *testing.T) (c *clinic, event, outcome func(string) []byte) {
	t.Helper()
	c = newClinic(t)
	fake := srfake.New()
	t.Cleanup(fake.Close)
	c.file = writeFile(t, "avro.yaml", readFile(t, c.file)+fmt.Sprintf(
		"schema_registry: {urls: [%q], auto_register: true}\nresponses: {topic: %s, format: avro}\n", fake.URL(), responsesTopic))
	cfg, err := config.Load(c.file, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	book, err := codec.Open(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(book.Close)
	if err := book.PrepareOutcomes(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	encode, err := book.EventEncoder(t.Context(), eventsTopic)
	if err != nil {
		t.Fatal(err)
	}
	with := func(encode func([]byte) ([]byte, error)) func(string) []byte {
		return func(text string) []byte {
			t.Helper()
			value, err := encode([]byte(text))
			if err != nil {
				t.Fatalf("encoding %s: %v", text, err)
			}
			return value
		}
	}
	return c, with(encode), with(book.Encode)
}

func TestDLQ_lettersAndOutcomesInAvroAreReadLikeThoseInJSON(t *testing.T) {
	t.Parallel()
	c, event, outcome := inAvro(t)
	for n := range 3 {
		r := userLetter(n, fmt.Sprintf("u-%d", n))
		r.Value = event(string(r.Value))
		if n == 2 {
			r.Value = r.Value[:len(r.Value)-3]
		}
		c.Produce(t, r)
	}
	c.Produce(t, outcomeRecord("events/3/1", "dead", "0", string(outcome(
		`{"event":{"id":"m-1","type":"identify","name":null,"lane":"u-1"},"destination":{"name":"crm","type":"kustomer"},"outcome":"dead",`+
			`"calls":[{"method":"POST","url":"https://x.test/v1/customers","status":422,"attempts":2,"duration_ms":1.5,"lookup":false,"request":{"name":"Old"},"response":{"errors":[1]}}],`+
			`"ids":{},"warnings":[],"error":{"stage":"request","class":"rejected","code":"http_422","http_status":422,"message":"no such tag"},"reason":null,"dlq_id":null,"round":0,`+
			`"source":{"group":"deskstream.crm","topic":"events","partition":3,"offset":1,"timestamp":"2026-01-02T03:04:05.678Z"},"at":"2026-01-02T03:04:06.001Z","schema":1}`))))

	c.wants(exitOK, "3 letters, 1 cause", "", "list")
	show := c.wants(exitOK, `"messageId": "m-1"`, "", "show", idOf(1))
	for _, text := range []string{
		"round 0 at 2026-01-02T03:04:06.001Z: dead rejected http_422: no such tag", "POST https://x.test/v1/customers -> 422 after 2 attempts",
		`request {"name":"Old"}`, `"name": "N1"`,
	} {
		show.wantAll(t, exitOK, text, "")
	}
	if cut := c.wants(exitOK, `"0x0000000002`, "", "show", idOf(2)); strings.Contains(cut.stdout, "m-2\",") {
		t.Errorf("bytes that the schema does not read are shown as an event:\n%s", cut.stdout)
	}
	plan := c.wants(exitOK, "3 letters: 2 send, 1 still_dead", "", "plan", "--every", "-o", c.plan)
	plan.wantAll(t, exitOK, "sent then, when it died (rejected http_422: no such tag)", "")
	plan.wantAll(t, exitOK, `-  "name": "Old"`, "")
	plan.wantAll(t, exitOK, "would die again: invalid bad_avro: schema 2", "")
	c.wants(exitOK, "2 delivered", "", "apply", c.plan)
	c.wantWrites(2)
	for _, body := range c.writes {
		if !strings.Contains(body, `"name":"N`) {
			t.Errorf("the write is %s", body)
		}
	}
	again := 0
	for _, r := range outcomeRecords(c.Consume(t, responsesTopic)) {
		if len(r.Value) == 0 || r.Value[0] != 0 {
			t.Errorf("an outcome is not in Avro: %s", r.Value)
		}
		again++
	}
	if again != 3 {
		t.Errorf("%d outcomes are there, want 3", again)
	}
	c.wants(exitOK, "round 1 at ", "", "show", idOf(1))
	if got := c.states().Status(idOf(1)); got != letters.Delivered {
		t.Errorf("the letter is %s, want delivered", got)
	}
}
