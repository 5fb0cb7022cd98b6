package main

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	hamba "github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/deploy/schemas"
)

// outcomeTexts are outcomes as JSON, with everything that they can have and with little.
var outcomeTexts = []string{
	`{"event":{"id":"m-1","type":"track","name":"Order Completed","lane":"user-7"},"destination":{"name":"support-inbox","type":"trengo"},"outcome":"delivered",` +
		`"calls":[{"method":"GET","url":"https://app.trengo.com/api/v2/contacts?page=1&term=a%40b.nl","status":200,"attempts":1,"duration_ms":41.2,"lookup":true},` +
		`{"method":"POST","url":"https://app.trengo.com/api/v2/tickets","status":201,"attempts":2,"duration_ms":120.9,"request":{"contact_id":9001,"amount":12.50},"response":"cut off","truncated":true}],` +
		`"ids":{"contact_id":"9001","ticket_id":"42"},"warnings":["x was left out"],"error":null,"reason":null,"dlq_id":null,"round":0,` +
		`"source":{"group":"g","topic":"events","partition":3,"offset":118,"timestamp":"2026-01-02T03:04:05.678Z"},"at":"2026-01-02T03:04:06.001Z","schema":1}`,
	`{"event":{"id":null,"type":null,"name":null,"lane":null},"destination":{"name":"crm","type":"kustomer"},"outcome":"dead","calls":[],"ids":{},"warnings":[],` +
		`"error":{"stage":"decode","class":"invalid","code":"bad_avro","http_status":null,"message":"schema 7: x"},"reason":null,"dlq_id":"ab","round":2,` +
		`"source":{"group":"g","topic":"events","partition":0,"offset":9007199254740993,"timestamp":"56000-01-02T03:04:05.678Z"},"at":"2026-01-02T03:04:06.000Z","schema":1}`,
	`{"event":{"id":"m","type":"page","name":null,"lane":null},"destination":{"name":"crm","type":"kustomer"},"outcome":"skipped","calls":[],"ids":{},"warnings":[],` +
		`"error":null,"reason":"filtered","dlq_id":null,"round":0,"source":null,"at":"2026-01-02T03:04:06.000Z","schema":1}`,
}

// TestSchemas_outcomesAreReadByAnotherLibrary reads outcomes that goavro wrote with
// another library, and as the program's own commands do.
func TestSchemas_outcomesAreReadByAnotherLibrary(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	cfg := &config.Config{Responses: config.Responses{Topic: "out", Format: config.FormatAvro}}
	cfg.SchemaRegistry.URLs, cfg.SchemaRegistry.AutoRegister = []string{fake.URL()}, true
	book, err := openSchemas(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer book.close()
	if err := book.prepareOutcomes(t.Context(), cfg, time.Minute, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	schema := hamba.MustParse(schemas.Outcome)
	for _, text := range outcomeTexts {
		value, err := book.encode([]byte(text))
		if err != nil {
			t.Errorf("encoding %s: %v", text, err)
			continue
		}
		var read struct {
			Event struct {
				ID *string `avro:"id"`
			} `avro:"event"`
			Outcome string `avro:"outcome"`
			Calls   []struct {
				URL     string  `avro:"url"`
				Status  *int    `avro:"status"`
				Request *string `avro:"request"`
			} `avro:"calls"`
			IDs map[string]string `avro:"ids"`
			At  time.Time         `avro:"at"`
		}
		if err := hamba.Unmarshal(schema, value[5:], &read); err != nil {
			t.Errorf("reading %s: %v", text, err)
		}
		var want struct {
			Event   struct{ ID *string }
			Outcome string
			IDs     map[string]string
			At      time.Time
		}
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if read.Outcome != want.Outcome || !cmp.Equal(read.Event.ID, want.Event.ID) || !cmp.Equal(read.IDs, want.IDs) || !read.At.Equal(want.At) {
			t.Errorf("read %+v of %s", read, text)
		}
		if len(read.Calls) > 1 && *read.Calls[1].Request != `{"contact_id":9001,"amount":12.50}` {
			t.Errorf("read the request as %s", *read.Calls[1].Request)
		}
		back, err := asJSON(t.Context(), book.outcomes, &kgo.Record{Value: value})
		if diff := cmp.Diff(object(t, []byte(text)), object(t, back)); err != nil || diff != "" {
			t.Errorf("read back, %v (-want +got):\n%s", err, diff)
		}
	}
}

// object is a JSON object without the members that are null.
func object(t *testing.T, text []byte) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return withoutNulls(v)
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if member == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNulls(member)
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

func TestSchemas_aSchemaThatIsNotRegisteredEndsTheStart(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	cfg := &config.Config{Responses: config.Responses{Topic: "out", Format: config.FormatAvro}}
	cfg.SchemaRegistry.URLs = []string{fake.URL()}
	book, err := openSchemas(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer book.close()
	err = book.prepareOutcomes(t.Context(), cfg, time.Minute, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "out-value") || !strings.Contains(err.Error(), "auto_register") {
		t.Errorf("prepareOutcomes = %v, want the subject and what to do", err)
	}
}
