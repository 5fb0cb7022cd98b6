package main

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// While run delivers and export walks again and again, no window of a desk sees more calls than its
// limit: the desk counts, and would refuse them. There is more to do than two windows take.
func TestExport_andRunTogetherStayWithinTheLimit(t *testing.T) {
	needsProcess(t)
	for name, sliding := range map[string]bool{"fixed windows": false, "a window that slides": true} {
		t.Run(name, func(t *testing.T) { runAndExportWithinTheLimit(t, sliding) })
	}
}

func runAndExportWithinTheLimit(t *testing.T, sliding bool) {
	const limit, window = 400, 4 * time.Second
	w := newWorld(t, worldOptions{stub: stub.Config{Latency: 5 * time.Millisecond, Limit: limit, Window: window, Sliding: sliding}})
	path := w.config(settings{
		rate: fmt.Sprintf("requests: %d, per: %v", limit, window), reserve: 0.25,
		delivery: "    export: {entities: [contacts, tickets, comments], every: 10ms}\n",
	})
	w.produce(700, each(100))
	running, exporting := w.start(path), startProcess(t, "export", "-c", path, "--create-topics", "--log-format", "json")
	await(t, "two walks beside the deliveries", func() bool {
		exporting.alive()
		return strings.Count(exporting.stderr.String(), `"msg":"list walked"`) >= 8 // two lists of two desks
	})
	w.awaitCommitted(running)
	exporting.signal(syscall.SIGTERM)
	if code := exporting.wait(); code != exitOK {
		t.Errorf("export ended with %d", code)
	}
	running.stop()
	w.wantOnce()
	for _, desk := range []*stub.Desk{w.desk.Desk(stubtrengo.Name), w.desk.Desk(stubkustomer.Name)} {
		calls, refused := desk.Received(), 0
		for _, c := range calls {
			if c.Status == http.StatusTooManyRequests {
				refused++
			}
		}
		if refused > 0 || len(calls) < 2*limit {
			t.Errorf("%s: of %d calls %d were over the limit", desk.Name(), len(calls), refused)
		}
	}
}
