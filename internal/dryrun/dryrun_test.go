package dryrun_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/dryrun"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lookupsOnly is a help desk that finds nobody and fails the test on a write.
func lookupsOnly(t *testing.T) (url string, lookups *atomic.Int64) {
	t.Helper()
	lookups = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("a write was sent: %s %s", r.Method, r.URL)
		}
		lookups.Add(1)
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errors":[{"title":"nobody"}]}`)
	}))
	t.Cleanup(server.Close)
	return server.URL, lookups
}

// twoDesks is a configuration with the destinations crm and other at one desk, and brokers.
func twoDesks(t *testing.T, url string, brokers ...string) *config.Config {
	t.Helper()
	if brokers == nil {
		brokers = []string{"127.0.0.1:1"}
	}
	return configtest.Parse(t, `
kafka: {brokers: [%q]}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: key-of-crm, base_url: %q, advanced_transform: false}}
  - {name: other, type: kustomer, kustomer: {api_key: key-of-other, base_url: %[2]q, advanced_transform: false}}
`, strings.Join(brokers, ","), url)
}

// run plans with options and returns the outcomes.
func run(t *testing.T, o dryrun.Options) ([]sink.Outcome, error) {
	t.Helper()
	var out bytes.Buffer
	if o.Out == nil {
		o.Out = &out
	}
	o.Log = slog.New(slog.DiscardHandler)
	err := dryrun.Run(t.Context(), o)
	var list []sink.Outcome
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var outcome sink.Outcome
		if err := decoder.Decode(&outcome); err != nil {
			t.Fatalf("reading a plan: %v", err)
		}
		list = append(list, outcome)
	}
	return list, err
}

// brief returns "destination id outcome" for each outcome, in their order.
func brief(list []sink.Outcome) []string {
	var texts []string
	for _, o := range list {
		id := "-"
		if o.Event.ID != nil {
			id = *o.Event.ID
		}
		texts = append(texts, o.Destination.Name+" "+id+" "+string(o.Outcome))
	}
	return texts
}

func identify(id, user string) string {
	return fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":%q,"traits":{"name":"N"}}`+"\n", id, user)
}

func TestRun_plansEachEventForEachDestinationAndSendsNoWrite(t *testing.T) {
	url, lookups := lookupsOnly(t)
	events := identify("m-1", "u") + "{}\n\n" + `{"type":"group","messageId":"m-3","userId":"u"}`
	got, err := run(t, dryrun.Options{Config: twoDesks(t, url), Events: strings.NewReader(events)})
	if err != nil {
		t.Error(err)
	}
	want := []string{"crm m-1 planned", "other m-1 planned", "crm - dead", "other - dead", "crm m-3 skipped", "other m-3 skipped"}
	if diff := cmp.Diff(want, brief(got)); diff != "" {
		t.Fatalf("outcomes (-want +got):\n%s", diff)
	}
	last := got[0].Calls[len(got[0].Calls)-1]
	if last.Method != http.MethodPost || last.Status != nil || !strings.Contains(last.Request.String(), `"u"`) {
		t.Errorf("the planned write is %+v, want one with its body and without a status", last)
	}
	if got[0].Source != nil {
		t.Errorf("a line has the source %+v, want none", got[0].Source)
	}
	if lookups.Load() == 0 {
		t.Error("no lookup was made")
	}
}

func TestRun_plansForTheNamedDestinationsOnly(t *testing.T) {
	o := dryrun.Options{Config: twoDesks(t, "http://127.0.0.1:1"), Events: strings.NewReader(identify("m-1", "u")), Offline: true, Destinations: []string{"other"}}
	got, err := run(t, o)
	if diff := cmp.Diff([]string{"other m-1 planned"}, brief(got)); diff != "" || err != nil {
		t.Errorf("outcomes (-want +got):\n%s\nerror %v", diff, err)
	}
	o.Destinations = []string{"nobody"}
	_, err = run(t, o)
	if _, ok := errors.AsType[*config.UsageError](err); !ok {
		t.Errorf("a destination that does not exist gives %v, want a config.UsageError", err)
	}
}

// Two events of a person need one lookup of that person.
func TestRun_makesEachLookupOnce(t *testing.T) {
	url, lookups := lookupsOnly(t)
	cfg := twoDesks(t, url)
	plan := func(events string) int64 {
		lookups.Store(0)
		if _, err := run(t, dryrun.Options{Config: cfg, Events: strings.NewReader(events), Destinations: []string{"crm"}}); err != nil {
			t.Error(err)
		}
		return lookups.Load()
	}
	one := plan(identify("m-1", "u"))
	if again := plan(identify("m-1", "u") + identify("m-2", "u")); again != one {
		t.Errorf("%d lookups for two events of a person, %d for one", again, one)
	}
	if two := plan(identify("m-1", "u") + identify("m-2", "v")); two != 2*one {
		t.Errorf("%d lookups for two people, %d for one", two, one)
	}
}

func TestRun_offlineMakesNoCall(t *testing.T) {
	url, lookups := lookupsOnly(t)
	got, err := run(t, dryrun.Options{Config: twoDesks(t, url), Events: strings.NewReader(identify("m-1", "u")), Offline: true})
	if err != nil || len(got) != 2 || lookups.Load() != 0 {
		t.Errorf("%d outcomes and %d calls, error %v, want 2, none and none", len(got), lookups.Load(), err)
	}
}

func TestRun_lastTakesTheNewestRecordsOfAllPartitions(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 2))
	began := time.UnixMilli(1_700_000_000_000).UTC()
	for i := range 6 {
		cluster.Produce(t, &kgo.Record{
			Topic: "events", Partition: int32(i % 2), Value: []byte(identify(fmt.Sprintf("m-%d", i), "u")),
			Timestamp: began.Add(time.Duration(i) * time.Second),
		})
	}
	cluster.Produce(t, &kgo.Record{Topic: "events", Partition: 0, Key: []byte("k"), Timestamp: began.Add(time.Minute)})
	got, err := run(t, dryrun.Options{Config: twoDesks(t, "http://127.0.0.1:1", cluster.Brokers...), Last: 3, Offline: true, Destinations: []string{"crm"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"crm m-4 planned", "crm m-5 planned", "crm - skipped"}, brief(got)); diff != "" {
		t.Fatalf("outcomes (-want +got):\n%s", diff)
	}
	want := &sink.Source{Group: "deskstream.crm", Topic: "events", Partition: 1, Offset: 2, Timestamp: sink.Time{Time: began.Add(5 * time.Second)}}
	if diff := cmp.Diff(want, got[1].Source); diff != "" {
		t.Errorf("source of m-5 (-want +got):\n%s", diff)
	}
	if last := got[2]; last.Event.Lane == nil || *last.Event.Lane != "k" || last.Reason == nil || *last.Reason != "tombstone" {
		t.Errorf("the record's key and null value are not used: %+v", last)
	}
}

func TestRun_lastOfAnEmptyTopicIsNothing(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 2))
	got, err := run(t, dryrun.Options{Config: twoDesks(t, "http://127.0.0.1:1", cluster.Brokers...), Last: 3})
	if err != nil || len(got) != 0 {
		t.Errorf("%d outcomes, error %v, want none", len(got), err)
	}
}

// brokenPipe takes a number of lines.
type brokenPipe int

var errBroken = errors.New("broken pipe")

func (b *brokenPipe) Write(text []byte) (int, error) {
	if *b--; *b < 0 {
		return 0, errBroken
	}
	return len(text), nil
}

func TestRun_endsWhenAPlanCannotBeWritten(t *testing.T) {
	url, lookups := lookupsOnly(t)
	out := brokenPipe(1)
	events := identify("m-1", "u") + identify("m-2", "v") + identify("m-3", "w")
	_, err := run(t, dryrun.Options{Config: twoDesks(t, url), Events: strings.NewReader(events), Out: &out, Destinations: []string{"crm"}})
	if !errors.Is(err, errBroken) {
		t.Errorf("error %v, want %v", err, errBroken)
	}
	before := lookups.Load()
	out, events = 1, identify("m-1", "u")+identify("m-2", "v")
	_, _ = run(t, dryrun.Options{Config: twoDesks(t, url), Events: strings.NewReader(events), Out: &out, Destinations: []string{"crm"}})
	if after := lookups.Load() - before; after != before {
		t.Errorf("%d lookups with a third event, %d without: nobody reads its plan", before, after)
	}
}

// Offline, a list of the desk's is read once, as a run reads it: not by each event, and not by each
// name.
func TestRun_offlineListsAreReadOnce(t *testing.T) {
	c := configtest.Parse(t, `
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-of-inbox, channel_id: "7"}
    rules: [{name: r, ticket: {team: Billing, labels: [a, b], note: x}}]
  - name: crm
    type: kustomer
    kustomer: {api_key: key-of-crm}
    rules: [{name: r, ticket: {team: Billing, labels: [a, 5f00000000000000000000aa], note: x}}]
`)
	const event = `{"type":"track","event":"E","userId":"u","context":{"traits":{"email":"a@example.com"}}}` + "\n"
	got, err := run(t, dryrun.Options{Config: c, Events: strings.NewReader(event + event), Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string]int{}
	for _, o := range got {
		for _, call := range o.Calls {
			_, path, _ := strings.Cut(call.URL, "//")
			_, path, _ = strings.Cut(path, "/")
			if path, _, _ = strings.Cut(path, "?"); strings.HasSuffix(path, "/teams") || strings.HasSuffix(path, "/labels") || strings.HasSuffix(path, "/tags") {
				lists[call.Method+" "+path]++
			}
		}
	}
	writes := "POST api/v2/tickets/%3Cid%20of%20the%20ticket%3E/labels"
	want := map[string]int{"GET api/v2/teams": 1, "GET api/v2/labels": 1, "GET v1/teams": 1, "GET v1/tags": 1, writes: 4}
	if diff := cmp.Diff(want, lists); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if n := len(got); n != 4 || got[3].Outcome != sink.Planned || len(got[3].Calls) < 3 {
		t.Errorf("%d plans, the last %+v", n, got[n-1])
	}
}
