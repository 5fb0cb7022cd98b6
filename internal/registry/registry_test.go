package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/registry"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
	"github.com/deskstream/deskstream/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const event = `{"type":"record","name":"Event","fields":[{"name":"userId","type":"string"}]}`

// value is an event of a schema in the wire format.
func value(id uint32, user string) []byte {
	return append(append(avro.AppendHeader(nil, id), byte(2*len(user))), user...)
}

// world is a fake registry behind a transport that needs no network, so that its
// failures take no time in a bubble.
type world struct {
	fake *srfake.Registry
	log  bytes.Buffer

	mu     sync.Mutex
	asked  []string                // "host path" of each request
	broken map[string]int          // how hosts fail: a status, or 0 for no answer
	wait   time.Duration           // before each answer
	auth   string                  // of the last request
	hosts  map[string]http.Handler // instead of fake
}

func newWorld() *world {
	return &world{fake: srfake.NewRegistry(), broken: map[string]int{}}
}

func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.asked = append(w.asked, req.URL.Host+" "+req.URL.Path)
	w.auth = req.Header.Get("Authorization")
	status, broken := w.broken[req.URL.Host]
	wait := w.wait
	handler := w.hosts[req.URL.Host]
	w.mu.Unlock()
	if handler == nil {
		handler = w.fake.Handler()
	}
	select {
	case <-time.After(wait):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if broken && status == 0 {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	answer := httptest.NewRecorder()
	if broken {
		answer.WriteHeader(status)
		_, _ = answer.WriteString("secret text of a proxy") // a recorder's Write never fails
	} else {
		handler.ServeHTTP(answer, req)
	}
	return answer.Result(), nil
}

func (w *world) fails(host string, status int) { w.mu.Lock(); w.broken[host] = status; w.mu.Unlock() }

// hasOwn gives a host a registry of its own, which is empty.
func (w *world) hasOwn(host string) *srfake.Registry {
	own := srfake.NewRegistry()
	w.answers(host, own.Handler())
	return own
}

func (w *world) answers(host string, h http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hosts == nil {
		w.hosts = map[string]http.Handler{}
	}
	w.hosts[host] = h
}

func (w *world) heals(host string) { w.mu.Lock(); delete(w.broken, host); w.mu.Unlock() }

func (w *world) requests() []string { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.asked) }

func (w *world) registry(t *testing.T, change ...func(*registry.Config)) *registry.Registry {
	t.Helper()
	c := registry.Config{URLs: []string{"http://one", "http://two"}, Transport: w, Version: "test"}
	for _, f := range change {
		f(&c)
	}
	r, err := registry.New(c, slog.New(slog.NewTextHandler(&w.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// bubble runs a test where waiting costs nothing.
func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newWorld()) })
}

func codeOf(t *testing.T, d mapping.Decoder, value []byte) mapping.Code {
	t.Helper()
	_, err := d.Decode(value, mapping.Pointer{})
	fault, ok := errors.AsType[*mapping.Error](err)
	if !ok {
		t.Fatalf("Decode = %v, want a fault of the event", err)
	}
	return fault.Code
}

func find(t *testing.T, r *registry.Registry, id uint32) mapping.Decoder {
	t.Helper()
	d, err := r.Find(t.Context(), registry.ID(id))
	if err != nil {
		t.Fatalf("Find(%d) = %v", id, err)
	}
	return d
}

func TestFind_asksOnceForAllWhoWaitAndKeepsTheSchema(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.fake.SeedSchema("events-value", 1, 7, sr.Schema{Schema: event})
		w.wait = time.Second
		r := w.registry(t)
		if _, ok := r.Known(registry.ID(7)); ok {
			t.Error("the schema is known before it was asked for")
		}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				got, err := find(t, r, 7).Decode(value(7, "ann"), mapping.Pointer{})
				if err != nil || got.JSON() != `{"userId":"ann"}` {
					t.Errorf("Decode = %s, %v", got.JSON(), err)
				}
			})
		}
		all.Wait()
		time.Sleep(24 * time.Hour)
		if _, ok := r.Known(registry.ID(7)); !ok {
			t.Error("the schema is not known a day later")
		}
		if asked := w.requests(); len(asked) != 1 {
			t.Errorf("asked %q, want one question", asked)
		}
	})
}

func TestFind_anUnknownIDIsRefusedAndAskedForAgainLater(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.registry(t)
		for range 10 {
			time.Sleep(time.Second)
			if code := codeOf(t, find(t, r, 7), value(7, "ann")); code != mapping.UnknownSchema {
				t.Errorf("code %s, want unknown_schema", code)
			}
		}
		if asked := w.requests(); len(asked) != 2 {
			t.Errorf("asked %q, want one question to each address within the memory of it", asked)
		}
		w.fake.SeedSchema("events-value", 1, 7, sr.Schema{Schema: event})
		time.Sleep(time.Minute)
		if _, err := find(t, r, 7).Decode(value(7, "ann"), mapping.Pointer{}); err != nil {
			t.Errorf("Decode = %v once the schema is registered", err)
		}
		if code := codeOf(t, find(t, r, 1<<31), value(1<<31, "ann")); code != mapping.UnknownSchema {
			t.Errorf("code %s for an id that cannot be, want unknown_schema", code)
		}
		if asked := w.requests(); len(asked) != 3 {
			t.Errorf("asked %q, want one more question", asked)
		}
	})
}

func TestFind_waitsForARegistryThatIsDown(t *testing.T) {
	for name, status := range map[string]int{
		"no answer": 0, "500": 500, "503": 503, "429": 429, "401": 401, "403": 403, "a redirect": 302,
		"a 404 that is not the registry's": 404,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.fake.SeedSchema("events-value", 1, 7, sr.Schema{Schema: event})
				w.fails("one", status)
				w.fails("two", status)
				r := w.registry(t)
				done := make(chan mapping.Decoder, 10)
				for range 10 {
					go func() { done <- find(t, r, 7) }()
				}
				time.Sleep(time.Hour)
				if len(done) > 0 {
					t.Fatal("Find returned while the registry was down")
				}
				// Backed off up to 10 s, half of it jitter, at two addresses.
				if n := len(w.requests()); n < 600 || n > 1600 {
					t.Errorf("asked %d times in an hour, want some 960", n)
				}
				if n := strings.Count(w.log.String(), "level="); n != 1 || strings.Contains(w.log.String(), "secret") {
					t.Errorf("an hour's log, which should be one line without the answer's text:\n%s", w.log.String())
				}
				w.heals("one")
				w.heals("two")
				for range 10 {
					if _, err := (<-done).Decode(value(7, "ann"), mapping.Pointer{}); err != nil {
						t.Errorf("Decode = %v", err)
					}
				}
				if !strings.Contains(w.log.String(), "answered again") {
					t.Errorf("the log does not say that it is back:\n%s", w.log.String())
				}
			})
		})
	}
}

func TestFind_endsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.fails("one", 0)
		w.fails("two", 0)
		r := w.registry(t)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("enough"))
		defer cancel()
		if _, err := r.Find(ctx, registry.ID(7)); err == nil || err.Error() != "enough" {
			t.Errorf("Find = %v, want the cause of the end", err)
		}
		if _, err := r.Try(t.Context(), registry.ID(8)); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("Try = %v, want what is wrong", err)
		}
	})
}

func TestFind_asksTheNextAddress(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for id := range 3 {
			w.fake.SeedSchema("events-value", id+1, id+1, sr.Schema{Schema: strings.Replace(event, "userId", fmt.Sprintf("u%d", id), 1)})
		}
		w.fails("one", 503)
		r := w.registry(t)
		find(t, r, 1)
		find(t, r, 2)
		w.fails("two", 0)
		w.heals("one")
		find(t, r, 3)
		want := []string{"one /schemas/ids/1", "two /schemas/ids/1", "two /schemas/ids/2", "two /schemas/ids/3", "one /schemas/ids/3"}
		if asked := w.requests(); !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
	})
}

func TestFind_resolvesReferences(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.fake.SeedSchema("country", 1, 1, sr.Schema{Schema: `{"type":"enum","name":"Country","symbols":["NL"]}`})
		w.fake.SeedSchema("address", 1, 2, sr.Schema{
			Schema:     `{"type":"record","name":"Address","fields":[{"name":"country","type":"Country"}]}`,
			References: []sr.SchemaReference{{Name: "Country", Subject: "country", Version: 1}},
		})
		w.fake.SeedSchema("events-value", 1, 3, sr.Schema{
			Schema:     `{"type":"record","name":"Event","fields":[{"name":"home","type":"Address"},{"name":"country","type":"Country"}]}`,
			References: []sr.SchemaReference{{Name: "Address", Subject: "address", Version: 1}, {Name: "Country", Subject: "country", Version: 1}},
		})
		r := w.registry(t)
		got, err := find(t, r, 3).Decode(append(avro.AppendHeader(nil, 3), 0, 0), mapping.Pointer{})
		if want := `{"home":{"country":"NL"},"country":"NL"}`; err != nil || got.JSON() != want {
			t.Errorf("Decode = %s, %v, want %s", got.JSON(), err, want)
		}
		if n := len(w.requests()); n != 3 {
			t.Errorf("asked %d times, want once for each schema", n)
		}
		w.fake.Intercept(func(rw http.ResponseWriter, req *http.Request) bool {
			if !strings.HasSuffix(req.URL.Path, "/ids/4") {
				return false
			}
			_, _ = rw.Write([]byte(`{"schema":"{}","references":[{"name":"Gone","subject":"gone","version":1}]}`)) // to a recorder
			return true
		})
		if code := codeOf(t, find(t, r, 4), value(4, "")); code != mapping.UnknownSchema {
			t.Errorf("code %s for a reference to nothing, want unknown_schema", code)
		}
	})
}

func TestFind_aSchemaThatCannotBeReadIsBadAvro(t *testing.T) {
	for name, schema := range map[string]sr.Schema{
		"Protobuf":         {Schema: `syntax = "proto3";`, Type: sr.TypeProtobuf},
		"no record":        {Schema: `"string"`},
		"within itself":    {Schema: `{"type":"record","name":"A","fields":[{"name":"a","type":"A"}]}`},
		"an unknown type":  {Schema: `{"type":"record","name":"A","fields":[{"name":"a","type":"B"}]}`},
		"larger than 4 MB": {Schema: `{"type":"record","name":"A","doc":"` + strings.Repeat("x", 5<<20) + `","fields":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.fake.SeedSchema("events-value", 1, 7, schema)
				r := w.registry(t)
				d := find(t, r, 7)
				_, err := d.Decode(value(7, "ann"), mapping.Pointer{})
				if codeOf(t, d, value(7, "ann")) != mapping.BadAvro || !strings.Contains(err.Error(), avro.Unusable+"schema 7: ") {
					t.Errorf("Decode = %v, want bad_avro of schema 7", err)
				}
				reader, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId", "key"}})
				if err != nil {
					t.Fatal(err)
				}
				if lane := reader.Lane(d, value(7, "ann"), []byte("k")); lane != "k" {
					t.Errorf("Lane = %q, want the key", lane)
				}
			})
		})
	}
}

func TestConfig_credentials(t *testing.T) {
	for want, change := range map[string]func(*registry.Config){
		"":                     func(*registry.Config) {},
		"Basic bWU6czNjcjN0":   func(c *registry.Config) { c.Username, c.Password = "me", sink.NewSecret("s3cr3t") },
		"Bearer t0k3n-of-mine": func(c *registry.Config) { c.Token = sink.NewSecret("t0k3n-of-mine") },
	} {
		bubble(t, func(t *testing.T, w *world) {
			r := w.registry(t, change)
			find(t, r, 7)
			if w.auth != want {
				t.Errorf("Authorization %q, want %q", w.auth, want)
			}
			w.fails("one", 401)
			w.fails("two", 401)
			_, err := r.Try(t.Context(), registry.ID(8))
			if err == nil || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(w.log.String(), "t0k3n") {
				t.Errorf("Try = %v, log %s", err, w.log.String())
			}
		})
	}
}

func TestEnsure(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.registry(t)
		refused := func(err error, want string) {
			t.Helper()
			if own, ok := errors.AsType[*registry.RefusedError](err); !ok || !strings.Contains(own.Error(), want) {
				t.Errorf("Ensure = %v, want a refusal with %q", err, want)
			}
		}
		_, err := r.Ensure(t.Context(), "out-value", event, false)
		refused(err, "auto_register")
		id, err := r.Ensure(t.Context(), "out-value", event, true)
		if err != nil {
			t.Fatalf("Ensure = %v", err)
		}
		for _, register := range []bool{true, false} {
			if again, err := r.Ensure(t.Context(), "out-value", event, register); err != nil || again != id {
				t.Errorf("Ensure = %d, %v, want %d again", again, err, id)
			}
		}
		w.fails("one", 409)
		_, err = r.Ensure(t.Context(), "out-value", event, true)
		refused(err, "not compatible")
		w.fails("one", 503)
		w.fails("two", 503)
		_, err = r.Ensure(t.Context(), "out-value", event, true)
		if err == nil || errors.As(err, new(*registry.RefusedError)) {
			t.Errorf("Ensure = %v, want an error that passes", err)
		}
	})
}

func TestDecoders_chooseByTheValue(t *testing.T) {
	file, err := avro.Parse(event)
	if err != nil {
		t.Fatal(err)
	}
	framed, plain, text := value(7, "ann"), value(7, "ann")[5:], []byte(`{"userId":"ann"}`)
	bubble(t, func(t *testing.T, w *world) {
		w.fake.SeedSchema("events-value", 1, 7, sr.Schema{Schema: event})
		r := w.registry(t)
		for name, tt := range map[string]struct {
			registry.Decoders
			value []byte
			want  mapping.Code // "" for an event
		}{
			"auto, JSON":                 {registry.Decoders{Format: registry.Auto, Registry: r}, text, ""},
			"auto, framed":               {registry.Decoders{Format: registry.Auto, Registry: r}, framed, ""},
			"auto, framed, no registry":  {registry.Decoders{Format: registry.Auto}, framed, mapping.UnknownSchema},
			"auto, unknown":              {registry.Decoders{Format: registry.Auto, Registry: r}, value(8, "ann"), mapping.UnknownSchema},
			"auto, too short":            {registry.Decoders{Format: registry.Auto, Registry: r}, framed[:4], mapping.NotJSON},
			"auto, empty":                {registry.Decoders{Format: registry.Auto, Registry: r}, []byte{}, mapping.NotJSON},
			"auto, file, JSON":           {registry.Decoders{Format: registry.Auto, File: file}, text, ""},
			"auto, file, marked JSON":    {registry.Decoders{Format: registry.Auto, File: file}, append([]byte("\uFEFF"), text...), ""},
			"auto, file, plain":          {registry.Decoders{Format: registry.Auto, File: file}, plain, ""},
			"auto, file, framed":         {registry.Decoders{Format: registry.Auto, File: file}, framed, ""},
			"auto, file, broken JSON":    {registry.Decoders{Format: registry.Auto, File: file}, []byte(" {"), mapping.NotJSON},
			"auto, file, like JSON":      {registry.Decoders{Format: registry.Auto, File: file}, []byte("\n{\"x\":"), ""},
			"auto, file, neither":        {registry.Decoders{Format: registry.Auto, File: file}, []byte("\x7f"), mapping.BadAvro},
			"json, framed":               {registry.Decoders{Format: registry.JSON, Registry: r}, framed, mapping.NotJSON},
			"json, JSON":                 {registry.Decoders{Format: registry.JSON}, text, ""},
			"no format, JSON":            {registry.Decoders{}, text, ""},
			"avro, framed":               {registry.Decoders{Format: registry.Avro, Registry: r}, framed, ""},
			"avro, JSON":                 {registry.Decoders{Format: registry.Avro, Registry: r}, text, mapping.BadAvro},
			"avro, file, plain":          {registry.Decoders{Format: registry.Avro, File: file}, plain, ""},
			"avro, file, JSON":           {registry.Decoders{Format: registry.Avro, File: file}, text, mapping.BadAvro},
			"avro, empty":                {registry.Decoders{Format: registry.Avro, Registry: r}, []byte{}, mapping.NotJSON},
			"avro, framed and truncated": {registry.Decoders{Format: registry.Avro, Registry: r}, framed[:6], mapping.BadAvro},
		} {
			d, err := tt.Find(t.Context(), &kgo.Record{Value: tt.value})
			if err != nil {
				t.Fatal(err)
			}
			if known, ok := tt.Known(&kgo.Record{Value: tt.value}); !ok || known == nil {
				t.Errorf("%s: not known after it was found", name)
			}
			_, err = d.Decode(tt.value, mapping.Pointer{})
			if tt.want == "" && err != nil || tt.want != "" && codeOf(t, d, tt.value) != tt.want {
				t.Errorf("%s: Decode(%q) = %v, want %q", name, tt.value, err, tt.want)
			}
		}
	})
}
