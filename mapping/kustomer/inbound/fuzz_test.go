package inbound_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer/inbound"
	"github.com/deskstream/deskstream/mapping/unified"
)

// Whatever is sent is an event that can be read, with all that was sent in raw.
func FuzzEvent(f *testing.F) {
	paths, err := filepath.Glob("testdata/webhooks/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(filepath.Base(path), filepath.Ext(path) == ".form", body)
	}
	r := inbound.New("kustomer", "inbox")
	f.Fuzz(func(t *testing.T, name string, form bool, body []byte) {
		e := r.Event(unified.Webhook{Name: name, Form: form, Body: body})
		text, err := unified.EncodeEvent(&e)
		if err != nil {
			t.Fatal(err)
		}
		v, err := mapping.ParseObject(text)
		if err != nil || v.Get("raw").Kind() != mapping.Object {
			t.Errorf("the event cannot be read, or has no raw: %v", err)
		}
		if !slices.Contains(unified.Types(), e.Type) {
			t.Errorf("type %q", e.Type)
		}
		for _, object := range r.Objects() {
			if o, err := object(body); err == nil && (o.Head().ID == "" || len(o.Head().Raw) == 0) {
				t.Errorf("an object without id or raw: %+v", o)
			}
		}
	})
}
