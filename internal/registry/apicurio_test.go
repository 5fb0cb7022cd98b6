//go:build kafka

package registry_test

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/deskstream/deskstream/deploy/schemas"
	"github.com/deskstream/deskstream/internal/registry"
	"github.com/deskstream/deskstream/internal/registrytest"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

func TestRegistry_apicurio(t *testing.T) {
	url := registrytest.Apicurio(t)
	r, err := registry.New(registry.Config{URLs: []string{"http://127.0.0.1:1", url}, Version: "test"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	client, err := sr.NewClient(sr.URLs(url), sr.HTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	if err != nil {
		t.Fatal(err)
	}
	subject := t.Name() + time.Now().Format("150405.000000")
	register := func(name, text string, references ...sr.SchemaReference) sr.SubjectSchema {
		t.Helper()
		s, err := client.CreateSchema(t.Context(), subject+name, sr.Schema{Schema: text, References: references})
		if err != nil {
			t.Fatalf("registering %s: %v", name, err)
		}
		return s
	}
	country := register("-country", `{"type":"enum","name":"Country","namespace":"a","symbols":["NL"]}`)
	address := register("-address", `{"type":"record","name":"Address","namespace":"a","fields":[{"name":"country","type":"a.Country"}]}`,
		sr.SchemaReference{Name: "a.Country", Subject: country.Subject, Version: country.Version})
	whole := register("-value", `{"type":"record","name":"Event","namespace":"a","fields":[{"name":"home","type":"a.Address"}]}`,
		sr.SchemaReference{Name: "a.Address", Subject: address.Subject, Version: address.Version})
	id := uint32(whole.ID)
	got, err := find(t, r, id).Decode(append(avro.AppendHeader(nil, id), 0), mapping.Pointer{})
	if want := `{"home":{"country":"NL"}}`; err != nil || got.JSON() != want {
		t.Errorf("Decode = %s, %v, want %s", got.JSON(), err, want)
	}
	for _, unknown := range []uint32{0, 987654321, 1<<31 - 1} {
		d, err := r.Try(t.Context(), registry.ID(unknown))
		if err != nil {
			t.Errorf("Try(%d) = %v, want a decoder that refuses", unknown, err)
		} else if code := codeOf(t, d, value(unknown, "ann")); code != mapping.UnknownSchema {
			t.Errorf("code %s for schema %d, want unknown_schema", code, unknown)
		}
	}
	if _, err := r.Ensure(t.Context(), subject+"-out", schemas.Outcome, false); err == nil {
		t.Error("Ensure found a schema that nobody registered")
	}
	registered, err := r.Ensure(t.Context(), subject+"-out", schemas.Outcome, true)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Ensure(t.Context(), subject+"-out", schemas.Outcome, false); err != nil || again != registered {
		t.Errorf("Ensure = %d, %v, want %d again", again, err, registered)
	}
	if _, err := find(t, r, registered).Decode(nil, mapping.Pointer{}); err == nil {
		t.Error("the schema of outcomes reads no bytes at all")
	}
}
