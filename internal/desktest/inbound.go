package desktest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// Inbound is what the laws of what a desk sends are tried on.
type Inbound struct {
	desk.Inbound
	// Dir has webhooks/<name>.form or .json, which are bodies, and objects/<entity>.json, which are
	// entries of lists; what is read from <x> is in <x>.want.json. The name of a webhook is the
	// desk's name of the event for a desk that has it in the path.
	Dir string
	// Update writes what is read into the golden files.
	Update bool
}

// signedAt is when the webhooks were signed.
var signedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Run tries the laws.
func (in Inbound) Run(t *testing.T) {
	t.Helper()
	t.Run("webhooks", in.webhooks)
	t.Run("objects", in.objects)
}

func (in Inbound) webhooks(t *testing.T) {
	reached := make(map[unified.Type]bool)
	for _, path := range in.files(t, "webhooks") {
		body := read(t, path)
		w := unified.Webhook{Form: strings.HasSuffix(path, ".form"), Body: body}
		if in.InPath != nil {
			w.Name, _, _ = strings.Cut(filepath.Base(path), ".")
			w.At = signedAt
		}
		e := in.Event(w)
		reached[e.Type] = true
		in.compare(t, path, e)
		lawsOfEvent(t, path, e)
		if diff := cmp.Diff(e, in.Event(w)); diff != "" {
			t.Errorf("%s: read again it differs (-first +second):\n%s", path, diff)
		}
		for cut := range min(len(body), 200) {
			w.Body = body[:cut]
			lawsOfEvent(t, path, in.Event(w))
		}
	}
	for kind := range in.Subscriptions {
		if !reached[kind] {
			t.Errorf("no webhook is read as %s", kind)
		}
	}
	for kind := range reached {
		if in.Subscriptions[kind] == nil {
			t.Errorf("a webhook is read as %s, which is not listed", kind)
		}
	}
}

// lawsOfEvent are those that hold whatever was sent.
func lawsOfEvent(t *testing.T, path string, e unified.Event) {
	t.Helper()
	if e.Schema != unified.Version || e.Destination == "" || e.Desk == "" || !strings.HasPrefix(e.Key(), e.Destination) || !slices.Contains(unified.Types(), e.Type) {
		t.Errorf("%s: the event lacks something: %+v", path, e)
	}
	text, err := unified.Encode(e)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	v, err := mapping.ParseObject(text)
	if err != nil || v.Get("raw").Kind() != mapping.Object {
		t.Errorf("%s: raw is no object, or the event not readable: %v", path, err)
	}
	if bytes.ContainsRune(text, '\n') {
		t.Errorf("%s: the event is not on one line", path)
	}
}

func (in Inbound) objects(t *testing.T) {
	there := make(map[unified.Entity]bool)
	for _, path := range in.files(t, "objects") {
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		entity := unified.Entity(name)
		if name == "notes" {
			entity = unified.Comments
		}
		there[entity] = true
		if in.Objects[entity] == nil {
			t.Errorf("%s: the desk has no %s", path, entity)
			continue
		}
		object, err := in.Objects[entity](read(t, path))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		in.compare(t, path, object)
	}
	for entity, object := range in.Objects {
		if !there[entity] {
			t.Errorf("no object is read as one of %s", entity)
		}
		for _, entry := range []string{"", "{}", "[]", "7", `"x"`, "null", `{"data":[]}`, `{"id":{}}`, "\xff"} {
			if o, err := object([]byte(entry)); err == nil {
				t.Errorf("%s: %q is read as %+v", entity, entry, o)
			}
		}
	}
}

func (in Inbound) files(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(in.Dir, dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := slices.DeleteFunc(all, func(path string) bool { return strings.HasSuffix(path, ".want.json") })
	if len(files) == 0 {
		t.Fatalf("there is nothing in %s", filepath.Join(in.Dir, dir))
	}
	return files
}

// compare compares what was read with its golden file.
func (in Inbound) compare(t *testing.T, path string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if in.Update {
		if err := os.WriteFile(path+".want.json", append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, path+".want.json")), string(text)); diff != "" {
		t.Errorf("%s is read otherwise (-want +got):\n%s", path, diff)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(text, []byte("\n"))
}
