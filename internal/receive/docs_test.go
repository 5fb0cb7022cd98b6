package receive

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/unified"
)

func TestDocs_theMetricsAreThoseOfTheReceiver(t *testing.T) {
	w := newWorld(t, settingsText)
	w.hooks["crm"].counts.received(&unified.Event{Destination: "crm", Enriched: new(true)}, time.Now())
	w.metrics.registrations.WithLabelValues("crm", "off")
	families, err := w.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "deskstream_") {
			there[f.GetName()] = true
		}
	}
	page, err := os.ReadFile("../../docs/receive.md")
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `(deskstream_[a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		named[m[1]] = true
	}
	if diff := cmp.Diff(there, named); diff != "" {
		t.Errorf("the table of metrics differs from the receiver (-there +named):\n%s", diff)
	}
	for why, r := range refusals {
		if !strings.Contains(string(page), "`"+string(why)+"`") {
			t.Errorf("the page lacks the reason %s", why)
		}
		if !regexp.MustCompile(`(?m)^\| ` + strconv.Itoa(r.status) + ` \|`).Match(page) {
			t.Errorf("the page lacks the status %d", r.status)
		}
	}
}
