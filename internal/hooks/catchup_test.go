package hooks_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/internal/hooks"
	"github.com/deskstream/deskstream/internal/kafkatest"
)

const catchingUp = `kafka: {brokers: [%q]}
destinations:
  - {name: listed, type: kustomer, kustomer: {api_key: key-for-kustomer}, export: {entities: [contacts]}}
  - {name: plain, type: kustomer, kustomer: {api_key: key-for-kustomer}}`

// What cannot be read, or is not to be, is said with what to do; nothing is asked for it.
func TestCatchUp_saysWhatStaysMissing(t *testing.T) {
	t.Parallel()
	cfg := configtest.Parse(t, catchingUp, "127.0.0.1:1")
	for _, tt := range []struct {
		off    []string
		wanted bool
	}{{nil, true}, {[]string{"plain"}, true}, {[]string{"listed", "plain"}, false}} {
		var notes strings.Builder
		if err := hooks.CatchUp(t.Context(), export.Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Notes: &notes}, tt.off, tt.wanted); err != nil {
			t.Errorf("%v: %v", tt.off, err)
		}
		for _, name := range tt.off {
			if !strings.Contains(notes.String(), "What "+name+" did not send while it was off is missing") {
				t.Errorf("nothing is said of %s: %s", name, notes.String())
			}
		}
		if len(tt.off) != strings.Count(notes.String(), "export --once") {
			t.Errorf("of %v it says: %s", tt.off, notes.String())
		}
	}
}

// The registrations are changed by then: an error says that, beside what is missing.
func TestCatchUp_withoutATopicItSaysWhatIsDoneAlready(t *testing.T) {
	t.Parallel()
	cfg := configtest.Parse(t, catchingUp, kafkatest.Kafka(t).Brokers[0])
	err := hooks.CatchUp(t.Context(), export.Options{Config: cfg, Log: slog.New(slog.DiscardHandler)}, []string{"listed"}, true)
	if err == nil || !strings.Contains(err.Error(), "the registrations are changed") || !strings.Contains(err.Error(), "helpdesk.events") {
		t.Errorf("the error is %v", err)
	}
}

func TestLook_wantsDestinationsWithWebhooks(t *testing.T) {
	t.Parallel()
	cfg, log := configtest.Parse(t, catchingUp, "127.0.0.1:1"), slog.New(slog.DiscardHandler)
	if _, _, err := hooks.Look(t.Context(), cfg, nil, log); !errors.As(err, new(*config.UsageError)) {
		t.Errorf("without webhooks: %v", err)
	}
	if _, _, err := hooks.Look(t.Context(), cfg, []string{"nobody"}, log); !errors.As(err, new(*config.FlagError)) {
		t.Errorf("a name that there is not: %v", err)
	}
}
