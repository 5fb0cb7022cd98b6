package demo

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/deskstream/deskstream/deploy/schemas"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/registry"
	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
	stubwebhook "github.com/deskstream/deskstream/internal/stub/webhook"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
	"github.com/deskstream/deskstream/sink"
)

// write is one write as a help desk saw it, numbers by value.
type write struct {
	Op, Path, Mark string
	Body           any
}

// demoWrites delivers the demo's events one after the other, since whom another lane
// made known changes what is written, and gives the writes by help desk and lane.
func demoWrites(t *testing.T, events int, form func(event []byte) []byte, decoders *registry.Decoders) map[string][]write {
	t.Helper()
	desk := stub.New(stub.Config{Seed: 7, KeepBodies: true, Limit: 1 << 30}, stubs()...)
	server := httptest.NewServer(desk)
	defer server.Close()
	cfg, err := demoConfig([]string{"127.0.0.1:1"}, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	pipelines, err := wiring.Pipelines(cfg, nil, wiring.Options{Alone: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	writes, generator := make(map[string][]write), sample.Shop(7, 0)
	lanes := make(map[string]string)
	for range events {
		r := generator.Next()
		value := form(r.Value)
		decoder, err := decoders.Find(t.Context(), &kgo.Record{Value: value})
		if err != nil {
			t.Fatal(err)
		}
		lane := pipelines[0].Route.Reader.Lane(decoder, value, r.Key)
		lanes[r.Mark] = string(r.Key) + " " + lane
		for _, p := range pipelines {
			pass, err := p.Destination.Gate().Enter(t.Context(), lane)
			if err != nil {
				t.Fatal(err)
			}
			s := p.Destination.Session(pass, sink.Stop{Soft: t.Context(), Hard: t.Context()})
			s.Lane, s.Decoder = lane, decoder
			if _, err := p.Route.Deliver(t.Context(), s, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range desk.Received() {
		// A webhook gets the event as it is: in Avro with a null for each field that it lacks.
		if c.Method == http.MethodGet || c.Destination == stubwebhook.Name {
			continue
		}
		w := write{Op: c.Op, Path: c.Path, Mark: c.Mark}
		if err := json.Unmarshal(c.Body, &w.Body); err != nil {
			t.Fatalf("%s with the body %q: %v", c.Op, c.Body, err)
		}
		key := c.Destination + " " + lanes[c.Mark] // that of no lane for one that shows no event
		writes[key] = append(writes[key], w)
	}
	for _, p := range pipelines {
		p.Destination.Close()
	}
	return writes
}

// registeredForm is Confluent's wire format: the form of events with a schema of a
// registry, and what reads it.
func registeredForm(t *testing.T) (form func([]byte) []byte, decoders *registry.Decoders) {
	t.Helper()
	fake := srfake.New()
	t.Cleanup(fake.Close)
	cfg := &config.Config{Source: config.Source{Format: string(registry.Auto)}}
	cfg.SchemaRegistry.URLs, cfg.SchemaRegistry.AutoRegister = []string{fake.URL()}, true
	log := slog.New(slog.DiscardHandler)
	book, err := codec.Open(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(book.Close)
	encode, err := book.EventEncoder(t.Context(), "events")
	if err != nil {
		t.Fatal(err)
	}
	numbered := 0
	t.Cleanup(func() { t.Logf("%d events had a schema's id", numbered) })
	return func(event []byte) []byte {
		value, err := encode(event)
		if err != nil {
			return event // as an odd event that fits no schema
		}
		numbered++
		return value
	}, book.Events
}

func TestDemo_theSameEventsInAvroCauseTheSameWrites(t *testing.T) {
	const events = 2000
	schema, err := avro.Parse(schemas.Event)
	if err != nil {
		t.Fatal(err)
	}
	binary := 0
	toAvro := func(event []byte) []byte {
		v, err := mapping.ParseObject(event)
		if err != nil {
			return event
		}
		value, err := schema.Append(nil, v)
		if err != nil {
			return event // as an odd event that fits no schema
		}
		binary++
		return value
	}
	text := demoWrites(t, events, func(event []byte) []byte { return event }, &registry.Decoders{Format: registry.JSON})
	inAvro := demoWrites(t, events, toAvro, &registry.Decoders{Format: registry.Auto, File: schema})
	numbered, registered := registeredForm(t)
	byRegistry := demoWrites(t, events, numbered, registered)
	n := 0
	for _, writes := range text {
		n += len(writes)
	}
	if n < events || binary < events*98/100 {
		t.Errorf("%d events, %d of them in Avro, caused %d writes, which are too few to compare", events, binary, n)
	}
	t.Logf("%d of %d events in Avro; %d writes of %d lanes", binary, events, n, len(text))
	if diff := cmp.Diff(text, inAvro); diff != "" {
		t.Errorf("writes of the events in JSON and in Avro differ (-JSON +Avro):\n%.4000s", diff)
	}
	if diff := cmp.Diff(text, byRegistry); diff != "" {
		t.Errorf("writes of the events in JSON and with a schema's id differ (-JSON +Avro):\n%.4000s", diff)
	}
}
