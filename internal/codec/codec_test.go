package codec

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	twmb "github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/deskstream/deskstream/deploy/schemas"
	"github.com/deskstream/deskstream/internal/config"
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
	`{"event":{"id":"m","type":"identify","name":null,"lane":"u"},"destination":{"name":"crm","type":"kustomer"},"outcome":"delivered","merged_into":{"id":"m-2","offset":7},` +
		`"calls":[],"ids":{"customer_id":"c"},"warnings":[],"error":null,"reason":null,"dlq_id":null,"round":0,"source":null,"at":"2026-01-02T03:04:06.000Z","schema":1}`,
	`{"event":{"id":null,"type":"call","name":null,"lane":"c-1"},"destination":{"name":"crm","type":"kustomer"},"outcome":"delivered","calls":[],"ids":{},` +
		`"correlationId":"c-1","status":200,"result":{"data":[{"n":1.50}]},"truncated":true,"cursor":{"page":"2","l":["a","b"]},` +
		`"warnings":[],"error":null,"reason":null,"dlq_id":null,"round":0,"source":null,"at":"2026-01-02T03:04:06.000Z","schema":1}`,
}

// TestCodec_outcomesAreReadByAnotherLibrary reads outcomes that goavro wrote, with another
// library, and as the commands do.
func TestCodec_outcomesAreReadByAnotherLibrary(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	cfg := &config.Config{Responses: config.Responses{Topic: "out", Format: config.FormatAvro}}
	cfg.SchemaRegistry.URLs, cfg.SchemaRegistry.AutoRegister = []string{fake.URL()}, true
	book, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if err := book.PrepareOutcomes(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	schema := twmb.MustParse(schemas.Outcome)
	for _, text := range outcomeTexts {
		value, err := book.Encode([]byte(text))
		if err != nil {
			t.Errorf("encoding %s: %v", text, err)
			continue
		}
		var read map[string]any
		if rest, err := schema.Decode(value[5:], &read); err != nil || len(rest) > 0 {
			t.Fatalf("reading %s: %v, %d bytes are left", text, err, len(rest))
		}
		want, ok := object(t, []byte(text)).(map[string]any)
		if !ok {
			t.Fatalf("%s is no object", text)
		}
		at, err := time.Parse(time.RFC3339, want["at"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if got := read["at"]; !cmp.Equal(got, at) {
			t.Errorf("read the time as %v of %s", got, text)
		}
		for _, name := range []string{"outcome", "event", "ids", "warnings", "destination"} {
			if diff := cmp.Diff(want[name], withoutNulls(read[name])); diff != "" {
				t.Errorf("another %s in %s (-want +got):\n%s", name, text, diff)
			}
		}
		if calls := read["calls"].([]any); len(calls) > 1 && calls[1].(map[string]any)["request"] != `{"contact_id":9001,"amount":12.50}` {
			t.Errorf("read the second call as %v", calls[1])
		}
		if result, ok := read["result"]; strings.Contains(text, "correlationId") && (!ok || result != `{"data":[{"n":1.50}]}` || read["status"] != int32(200)) {
			t.Errorf("read the result %v, and the status %v", result, read["status"])
		}
		back, err := JSON(t.Context(), book.Outcomes, &kgo.Record{Value: value})
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

func TestCodec_aSchemaThatIsNotRegisteredEndsTheStart(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	cfg := &config.Config{Responses: config.Responses{Topic: "out", Format: config.FormatAvro}}
	cfg.SchemaRegistry.URLs = []string{fake.URL()}
	book, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	err = book.PrepareOutcomes(t.Context(), time.Minute)
	if err == nil || !strings.Contains(err.Error(), "out-value") || !strings.Contains(err.Error(), "auto_register") {
		t.Errorf("PrepareOutcomes = %v, want the subject and what to do", err)
	}
}
