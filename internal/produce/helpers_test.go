package produce_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/produce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stubConfig is a configuration of source topics and a stub help desk, with more lines.
func stubConfig(t *testing.T, brokers []string, more string) *config.Config {
	t.Helper()
	return configtest.Parse(t, `
kafka: {brokers: [%q]}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: key-of-the-desk, base_url: "http://127.0.0.1:1"}}
%s`, strings.Join(brokers, ","), more)
}

// run produces with options, and returns the lines of the notes.
func run(ctx context.Context, t *testing.T, o produce.Options) (notes []string, err error) {
	t.Helper()
	var text bytes.Buffer
	o.Notes, o.Log = &text, slog.New(slog.DiscardHandler)
	err = produce.Run(ctx, o)
	for line := range strings.Lines(text.String()) {
		notes = append(notes, strings.TrimSuffix(line, "\n"))
	}
	return notes, err
}

// keysOf maps the values on a topic to their keys; "<null>" for none.
func keysOf(t *testing.T, cluster *kafkatest.Cluster, topic string) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for _, r := range cluster.Consume(t, topic) {
		key := string(r.Key)
		if r.Key == nil {
			key = "<null>"
		}
		keys[string(r.Value)] = key
	}
	return keys
}

// wantNotes fails the test unless there is one note for each beginning, in any order.
func wantNotes(t *testing.T, notes []string, begins ...string) {
	t.Helper()
	for _, begin := range begins {
		if !slices.ContainsFunc(notes, func(note string) bool { return strings.HasPrefix(note, begin) }) {
			t.Errorf("no note begins with %q: %q", begin, notes)
		}
	}
	if len(notes) != len(begins) {
		t.Errorf("%d notes, want %d: %q", len(notes), len(begins), notes)
	}
}
