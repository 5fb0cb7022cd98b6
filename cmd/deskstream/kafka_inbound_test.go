//go:build kafka

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

var (
	// hooksSent is how many webhooks TestKafka_webhooks... sends, contactsMade how many contacts
	// TestKafka_export... begins with; it has two and a half times as many tickets.
	hooksSent    = flag.Int("webhooks", 4000, "webhooks that are sent")
	contactsMade = flag.Int("contacts", 200, "contacts that are exported, with two and a half times as many tickets")
)

// A broker is restarted while the receiver is killed three times, and the senders go on.
func TestKafka_webhooksAreLostToNoKillAndNoRestartOfABroker(t *testing.T) {
	const tickets, kills = 100, 3
	a := kafkatest.OwnApache(t, kafkatest.ApacheConfig{Brokers: 3, Disturbed: true})
	topic := kafkatest.Unique() + "helpdesk.events"
	a.CreateTopic(t, topic, 12, "min.insync.replicas", "2")
	s := newSending(t, a.Cluster, topic)
	began := time.Now()
	s.start(tickets, *hooksSent/tickets)
	awaitPart := func(part, of int) {
		t.Helper()
		whileAlive(t, s.receiver, func() bool { return s.there() > int64(part**hooksSent/of) })
	}
	awaitPart(1, 6)
	s.kill()
	awaitPart(2, 6)
	a.Stop(t, 1)
	s.kill()
	awaitPart(3, 6)
	a.Restart(t)
	awaitPart(4, 6)
	s.kill()
	s.check(kills)
	t.Logf("it took %v", time.Since(began).Round(time.Second))
}

// The desk changes while it is exported, and two processes that export it are killed.
func TestKafka_exportKilledTheTopicsHoldWhatTheDeskHas(t *testing.T) {
	a := kafkatest.SharedApache(t)
	x := exportingOf(t, onEmpty(a, worldOptions{}))
	events := x.prefix + "helpdesk.events"
	a.CreateTopic(t, events, 3)
	a.CreateTopic(t, events+".exports", 1, "cleanup.policy", "compact")
	for _, entity := range []string{"contacts", "tickets", "comments"} {
		a.CreateTopic(t, events+"."+inbox+"."+entity, 3, "cleanup.policy", "compact", "max.message.bytes", "4194304")
	}
	x.grow(*contactsMade, *contactsMade*5/2)
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				stopped <- n
				return
			case <-tick.C:
			}
			if n < *contactsMade*5 { // what is deleted is deleted once
				x.change(n)
			}
		}
	}()
	began := time.Now()
	p := startProcess(t, "export", "-c", x.path, "--log-format", "json")
	for part := range 2 {
		whileAlive(t, p, func() bool {
			written := int64(0)
			for _, end := range x.EndOffsets(t, events+"."+inbox+".tickets") {
				written += end
			}
			return written > int64((part+1)**contactsMade/2)
		})
		p.kill()
		p = startProcess(t, "export", "-c", x.path, "--log-format", "json")
	}
	<-p.ended
	close(stop)
	changes := min(<-stopped, *contactsMade*5)
	first := time.Since(began)
	for range 3 { // the rest, and two walks that miss what was deleted
		p := startProcess(t, "export", "-c", x.path, "--all")
		<-p.ended
		if code := p.wait(); code != exitOK {
			t.Fatalf("it ended with %d", code)
		}
	}
	x.compare()
	t.Logf("%d contacts and %d tickets, %d changes; the first walk with two kills took %v, all %v; %v", *contactsMade, len(x.tickets), changes,
		first.Round(time.Second), time.Since(began).Round(time.Second), x.figures())
	half := x.seesHalf()
	for range 2 { // two walks that miss an object would delete it
		p := startProcess(t, "export", "-c", half, "--all")
		<-p.ended
		if code := p.wait(); code != exitFault || !strings.Contains(p.stderr.String(), "does the credential see less than before") {
			t.Errorf("with half of the desk it ended with %d: %s", code, p.stderr.String())
		}
	}
	x.compare()
}

// figures are the calls of exports by operation, and the tombstones on the topics.
func (x *exporting) figures() string {
	calls, deleted := make(map[string]int), make(map[string]int)
	for _, c := range x.desk.Desk(inbox).Received() {
		if c.Method == http.MethodGet {
			calls[c.Op]++
		}
	}
	for _, entity := range []string{"contacts", "tickets", "comments"} {
		for _, r := range x.Consume(x.t, x.prefix+"helpdesk.events."+inbox+"."+entity) {
			if r.Value == nil {
				deleted[entity]++
			}
		}
	}
	return fmt.Sprintf("calls %v, tombstones %v", calls, deleted)
}

// seesHalf returns a configuration with a token that is shown every second entry of each list.
func (x *exporting) seesHalf() string {
	x.t.Helper()
	desk, err := url.Parse(x.url)
	if err != nil {
		x.t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(desk) },
		ModifyResponse: func(r *http.Response) error {
			if path := r.Request.URL.Path; !strings.HasSuffix(path, "/contacts") && !strings.HasSuffix(path, "/tickets") {
				return nil
			}
			var page map[string]json.RawMessage
			var entries, shown []json.RawMessage
			if err := json.NewDecoder(r.Body).Decode(&page); err != nil {
				return err
			}
			if err := json.Unmarshal(page["data"], &entries); err != nil {
				return err
			}
			for i := 0; i < len(entries); i += 2 {
				shown = append(shown, entries[i])
			}
			data, err := json.Marshal(shown)
			if err != nil {
				return err
			}
			page["data"] = data
			body, err := json.Marshal(page)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return err
		},
	})
	x.t.Cleanup(proxy.Close)
	return writeFile(x.t, "half.yaml", strings.ReplaceAll(readFile(x.t, x.path), x.url, proxy.URL))
}

// whileAlive waits for a condition, however long that takes, as long as a process runs.
func whileAlive(t *testing.T, p *process, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		p.alive()
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the test ended")
		}
	}
}
