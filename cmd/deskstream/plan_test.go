package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/sink"
)

// lookupsOnly is a help desk that finds nobody and fails the test on a write.
func lookupsOnly(t *testing.T) (url string, lookups *int) {
	t.Helper()
	lookups = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("a write was sent: %s %s", r.Method, r.URL)
		}
		*lookups++
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"errors":[{"title":"nobody"}]}`)
	}))
	t.Cleanup(server.Close)
	return server.URL, lookups
}

func identify(id string) string {
	return fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":"u","traits":{"name":"N"}}`, id)
}

func TestPlan_showsCallsWithBodiesAndSendsNoWrite(t *testing.T) {
	url, lookups := lookupsOnly(t)
	got := runCommand(t, identify("m-1")+"\n{}\n"+`{"type":"group","userId":"u"}`, "plan", "-c", deskConfig(t, url, "crm"))
	got.want(t, exitOK, `"outcome":"planned"`, "")
	if diff := cmp.Diff([]string{"crm m-1 planned", "crm - dead", "crm - skipped"}, outcomes(t, got.stdout)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	var o sink.Outcome
	if err := json.Unmarshal([]byte(got.stdout[:strings.IndexByte(got.stdout, '\n')]), &o); err != nil {
		t.Fatal(err)
	}
	last := o.Calls[len(o.Calls)-1]
	if last.Method != http.MethodPost || last.Status != nil || !strings.Contains(last.Request.String(), `"u"`) {
		t.Errorf("the planned write is %+v", last)
	}
	if *lookups == 0 {
		t.Error("no lookup was made")
	}
}

func TestPlan_offlineMakesNoCall(t *testing.T) {
	got := runCommand(t, identify("m-1"), "plan", "--offline", "-c", deskConfig(t, "http://127.0.0.1:1", "crm"))
	got.want(t, exitOK, `"method":"POST"`, "")
}

func TestPlan_lastTakesTheNewestRecordsOfAllPartitions(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 2))
	began := time.UnixMilli(1_700_000_000_000)
	for i := range 6 {
		cluster.Produce(t, &kgo.Record{
			Topic: "events", Partition: int32(i % 2), Value: []byte(identify(fmt.Sprintf("m-%d", i))),
			Timestamp: began.Add(time.Duration(i) * time.Second),
		})
	}
	cluster.Produce(t, &kgo.Record{Topic: "events", Partition: 0, Key: []byte("k"), Timestamp: began.Add(time.Minute)})
	file := deskConfig(t, "http://127.0.0.1:1", "crm")
	got := runWith(t.Context(), func(string) (string, bool) { return "", false }, "",
		"plan", "--offline", "--last", "3", "-c", withBrokers(t, file, cluster.Brokers))
	got.want(t, exitOK, `"group":"deskstream.crm"`, "")
	if diff := cmp.Diff([]string{"crm m-4 planned", "crm m-5 planned", "crm - skipped"}, outcomes(t, got.stdout)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if !strings.Contains(got.stdout, `"reason":"tombstone"`) || !strings.Contains(got.stdout, `"lane":"k"`) {
		t.Errorf("the record's key and null value are not used:\n%s", got.stdout)
	}
}

func TestPlan_lastOfAnEmptyTopicIsNothing(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 2))
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), cluster.Brokers)
	runCommand(t, "", "plan", "--last", "3", "-c", file).want(t, exitOK, "", "")
}

func TestPlan_lastSeesBehindTransactionMarkers(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	cl := cluster.Client(t, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("events"))
	for i := range 5 { // each is followed by a marker, every second one is aborted
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Value: []byte(identify(fmt.Sprintf("m-%d", i)))}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(i%2 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), cluster.Brokers)
	got := runCommand(t, "", "plan", "--offline", "--last", "3", "-c", file)
	if diff := cmp.Diff([]string{"crm m-0 planned", "crm m-2 planned", "crm m-4 planned"}, outcomes(t, got.stdout)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s\n%s", diff, got.stderr)
	}
}

func TestPlan_wrongUsage(t *testing.T) {
	file := deskConfig(t, "http://127.0.0.1:1", "crm")
	runCommand(t, "", "plan", "-c", file, "--last", "0").want(t, exitUsage, "", "--last takes a number")
	runCommand(t, "", "plan", "-c", file, "--last", "3", "x").want(t, exitUsage, "", "no EVENTS beside it")
	runCommand(t, "", "plan", "-c", file, "--destination", "x").want(t, exitUsage, "", `no destination is called "x"`)
}
