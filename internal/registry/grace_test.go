package registry_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/deskstream/deskstream/internal/registry"
	"github.com/deskstream/deskstream/mapping"
)

func withGrace(c *registry.Config) { c.UnknownGrace = 30 * time.Second }

// took is for how long Find waited for an id, and what it found.
func took(t *testing.T, r *registry.Registry, id uint32) (time.Duration, mapping.Decoder) {
	t.Helper()
	began := time.Now()
	d := find(t, r, id)
	return time.Since(began), d
}

func TestFind_asksAllAddressesBeforeAnIDIsUnknown(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.hasOwn("one")
		w.fake.SeedSchema("events-value", 1, 7, sr.Schema{Schema: event})
		r := w.registry(t)
		if _, err := find(t, r, 7).Decode(value(7, "ann"), mapping.Pointer{}); err != nil {
			t.Errorf("Decode = %v, though the second address has the schema", err)
		}
		if code := codeOf(t, find(t, r, 8), value(8, "ann")); code != mapping.UnknownSchema {
			t.Errorf("code %s of what neither has, want unknown_schema", code)
		}
	})
}

func TestFind_anIDThatWasNeverKnownWaitsForTheGrace(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.registry(t, withGrace)
		go func() {
			time.Sleep(12 * time.Second)
			w.fake.SeedSchema("events-value", 1, 7, sr.Schema{Schema: event})
		}()
		waited, d := took(t, r, 7)
		if _, err := d.Decode(value(7, "ann"), mapping.Pointer{}); err != nil || waited < 12*time.Second || waited > 14*time.Second {
			t.Errorf("Decode = %v after %v, want the schema once it is registered", err, waited)
		}
		for i, want := range []time.Duration{30 * time.Second, 0} {
			waited, d := took(t, r, 8)
			if codeOf(t, d, value(8, "ann")) != mapping.UnknownSchema || waited != want {
				t.Errorf("%d: unknown after %v, want after %v", i, waited, want)
			}
			time.Sleep(time.Minute) // the registry is asked again, and there is no second grace
		}
		if n := strings.Count(w.log.String(), "level=WARN"); n != 2 || strings.Count(w.log.String(), "schema_id=8") != 1 {
			t.Errorf("the log should have one line for each of the two ids:\n%s", w.log.String())
		}
	})
}

func TestFind_manyUnknownIDsHoldTheirPartitionOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.registry(t, withGrace)
		for id := uint32(1); id <= 50; id++ { // as the processor does with what was fetched
			if _, known := r.Known(registry.ID(id)); known {
				t.Fatalf("id %d is known before it was asked for", id)
			}
		}
		began := time.Now()
		for id := uint32(1); id <= 50; id++ {
			if code := codeOf(t, find(t, r, id), value(id, "ann")); code != mapping.UnknownSchema {
				t.Errorf("code %s for id %d", code, id)
			}
		}
		if waited := time.Since(began); waited != 30*time.Second {
			t.Errorf("50 unknown ids took %v, want 30s", waited)
		}
	})
}

func TestFind_aRegistryThatWasDownIsNotBelievedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.registry(t, withGrace)
		r.Known(registry.ID(7))
		w.fails("one", 503)
		w.fails("two", 503)
		go func() {
			time.Sleep(10 * time.Minute)
			w.heals("one")
			time.Sleep(15 * time.Second) // it reads its store
			w.fake.SeedSchema("events-value", 1, 7, sr.Schema{Schema: event})
		}()
		if _, err := find(t, r, 7).Decode(value(7, "ann"), mapping.Pointer{}); err != nil {
			t.Errorf("Decode = %v, want the schema that the registry has after its start", err)
		}
	})
}

func TestFind_anUnknownIDIsNotBelievedWhileTheRegistryIsDown(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.registry(t)
		find(t, r, 7)
		time.Sleep(time.Minute)
		w.fails("one", 503)
		w.fails("two", 503)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if d, err := r.Find(ctx, registry.ID(7)); err == nil {
			t.Errorf("Find = %v, want to wait: the answer of a minute ago says nothing now", d)
		}
	})
}

func TestTry_believesAtOnceWhatItHears(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.fails("two", 0)
		r := w.registry(t, withGrace)
		for range 100 {
			d, err := r.Try(t.Context(), registry.ID(7))
			if err != nil || codeOf(t, d, value(7, "ann")) != mapping.UnknownSchema {
				t.Fatalf("Try = %v, want a decoder that refuses", err)
			}
		}
		if asked := w.requests(); len(asked) != 2 {
			t.Errorf("asked %q, want one question to each address", asked)
		}
	})
}

// native answers as Apicurio's own API does.
func native(schemas map[string]string, beside http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		id, isNative := strings.CutPrefix(req.URL.Path, "/apis/registry/v2/ids/globalIds/")
		text, known := schemas[id]
		body, status := text, http.StatusOK
		switch {
		case !isNative:
			req.URL.Path = strings.TrimPrefix(req.URL.Path, "/apis/ccompat/v7")
			beside.ServeHTTP(rw, req)
			return
		case req.URL.RawQuery != "dereference=true" || req.Header.Get("Accept") != "*/*":
			body, status = `{"message":"not as it is asked","error_code":406,"name":"NotAcceptableException"}`, http.StatusNotAcceptable
		case !known:
			body, status = `{"message":"No artifact with ID","error_code":404,"name":"ArtifactNotFoundException"}`, http.StatusNotFound
		}
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(body)) // to a recorder
	})
}
