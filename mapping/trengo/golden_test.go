package trengo_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
)

var update = flag.Bool("update", false, "write what Map gives into the golden files")

// input is a case's in.json, with the settings named as in the configuration file.
type input struct {
	Config struct {
		ChannelID         string                 `json:"channel_id"`
		ChannelIdentifier trengo.Identifier      `json:"channel_identifier"`
		EnableDedup       bool                   `json:"enable_dedup"`
		CreateContact     bool                   `json:"create_contact"`
		EventTemplates    []trengo.EventTemplate `json:"event_templates"`
	} `json:"config"`
	Event json.RawMessage `json:"event"`
}

// step and result are a Message, or an error, as JSON.
type step struct {
	Step    string `json:"step"`
	Contact trengo.Contact
	Search  bool   `json:",omitempty"`
	Create  bool   `json:",omitempty"`
	Subject string `json:",omitempty"`
}

type result struct {
	Steps    []step   `json:"steps,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	Skip     string   `json:"skip,omitempty"`
	Code     string   `json:"code,omitempty"`
	Message  string   `json:"message,omitempty"`
}

func resultOf(t *testing.T, m trengo.Message, err error) result {
	t.Helper()
	if skip, ok := errors.AsType[mapping.Skip](err); ok {
		return result{Skip: string(skip)}
	}
	if fault, ok := errors.AsType[*mapping.Error](err); ok {
		return result{Code: string(fault.Code), Message: fault.Message}
	}
	if err != nil {
		t.Fatalf("Map gave %v, which is no *mapping.Error and no Skip", err)
	}
	r := result{Warnings: m.Warnings}
	for _, s := range m.Steps {
		switch s := s.(type) {
		case trengo.SaveContact:
			r.Steps = append(r.Steps, step{Step: "save contact", Contact: s.Contact, Search: s.Search})
		case trengo.OpenTicket:
			r.Steps = append(r.Steps, step{Step: "open ticket", Contact: s.Contact, Create: s.Create, Subject: s.Subject})
		}
	}
	return r
}

func mapInput(t *testing.T, file string) result {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var in input
	if err := json.Unmarshal(data, &in); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	mapper, err := trengo.New(trengo.Config{
		ChannelID: in.Config.ChannelID, ChannelIdentifier: in.Config.ChannelIdentifier, Dedup: in.Config.EnableDedup,
		CreateContact: in.Config.CreateContact, Templates: in.Config.EventTemplates,
	})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := mapping.Decode(in.Event)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapper.Map(ev)
	return resultOf(t, m, err)
}

func TestMap_goldenCases(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*/in.json")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range inputs {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			got, err := json.MarshalIndent(mapInput(t, file), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join(dir, "want.json")
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Errorf("Map differs (-want +got):\n%s", diff)
			}
		})
	}
}
