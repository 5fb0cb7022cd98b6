package journal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
)

// A value that exists nowhere is a typing error, and a filter with it must not silently pick
// nothing. What a letter has is right, whatever this program knows.
func TestWanted_aValueThatNothingHasIsRefused(t *testing.T) {
	d := deployment(t)
	r := d.Event(0, "m-1", "u")
	d.Settle(r, "crm", 0, sink.Dead)
	d.Write(&kgo.Record{Topic: journaltest.DeadLetters, Headers: []kgo.RecordHeader{
		{Key: "__connect.errors.topic", Value: []byte("x")},
		{Key: "__connect.errors.partition", Value: []byte("0")},
		{Key: "__connect.errors.offset", Value: []byte("0")},
		{Key: "__connect.errors.connector.name", Value: []byte("renamed")},
		{Key: "__connect.errors.exception.class.name", Value: []byte("org.example.Broken")},
	}})
	for name, tt := range map[string]struct {
		filter  letters.Filter
		refused string // what the error suggests, "-" for any error
		note    string
	}{
		"a configured destination":       {letters.Filter{Destinations: []string{"inbox"}}, "", ""},
		"a destination that letters had": {letters.Filter{Destinations: []string{"renamed"}}, "", ""},
		"nobody's destination":           {letters.Filter{Destinations: []string{"crn"}}, "crm", ""},
		"almost a letter's destination":  {letters.Filter{Destinations: []string{"renamd"}}, "renamed", ""},
		"one of two":                     {letters.Filter{Destinations: []string{"crm", "nobody"}}, "-", ""},
		"a code of ours":                 {letters.Filter{Codes: []string{"not_json"}}, "", ""},
		"an HTTP status":                 {letters.Filter{Codes: []string{"http_418"}}, "", ""},
		"almost a code of ours":          {letters.Filter{Codes: []string{"not_jsn"}}, "not_json", ""},
		"a letter's exception":           {letters.Filter{Codes: []string{"org.example.Broken"}}, "", ""},
		"an exception that none has":     {letters.Filter{Codes: []string{"org.example.Other"}}, "", "no letter has the code org.example.Other"},
		"a type of the specification":    {letters.Filter{Types: []string{"page"}}, "", ""},
		"no type":                        {letters.Filter{Types: []string{"pagge"}}, "page", ""},
		"no class":                       {letters.Filter{Classes: []string{"rejectd"}}, "rejected", ""},
		"a class":                        {letters.Filter{Classes: []string{"rejected"}}, "", ""},
		"no dialect":                     {letters.Filter{Dialects: []string{"conect"}}, "connect", ""},
	} {
		err := readWanted(t, d, &tt.filter)
		if _, refused := errors.AsType[*config.FlagError](err); refused != (tt.refused != "") || err != nil && !refused {
			t.Errorf("%s: error %v", name, err)
		}
		if tt.refused != "" && tt.refused != "-" && err != nil && !strings.Contains(err.Error(), tt.refused) {
			t.Errorf("%s: %v does not suggest %s", name, err, tt.refused)
		}
		if tt.note != "" && len(d.Notes.Having(tt.note)) != 1 {
			t.Errorf("%s: notes %q", name, d.Notes.Having(""))
		}
	}
}

// readWanted reads the letters with what is wanted by a filter, as list and plan do.
func readWanted(t *testing.T, d *journaltest.Deployment, f *letters.Filter) error {
	t.Helper()
	wanted, err := journal.WantedBy(d.Config, f)
	if err != nil {
		return err
	}
	j := d.Open()
	j.Wanted = wanted
	return j.ReadLetters(t.Context(), func(*kgo.Record, *letters.Letter) error { return nil })
}
