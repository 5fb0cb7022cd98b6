package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// told is what an outcome on the responses topic says of its event.
func told(t *testing.T, r *kgo.Record) (destination string, offset int64, what string) {
	t.Helper()
	var o struct {
		Destination struct{ Name string }
		Outcome     string
		Reason      *string
		DLQID       *string `json:"dlq_id"`
		Error       *struct{ Stage, Class, Code string }
		Source      struct{ Offset int64 }
	}
	if err := json.Unmarshal(r.Value, &o); err != nil {
		t.Fatalf("an outcome cannot be read: %v\n%.500s", err, r.Value)
	}
	what = o.Outcome
	switch {
	case o.Error != nil:
		what += fmt.Sprintf(" %s/%s/%s", o.Error.Stage, o.Error.Class, o.Error.Code)
	case o.Reason != nil:
		what += " " + *o.Reason
	}
	if (o.DLQID != nil) != (o.Outcome == "dead") {
		t.Errorf("an outcome that is %s has the dlq_id %v", what, o.DLQID)
	}
	return o.Destination.Name, o.Source.Offset, what
}

func TestRun_oddRecordsHaveTheOutcomesOfTheContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{sources: 1, others: 1})
	track := func(note string) string {
		return fmt.Sprintf(`{"type":"track","event":"Order Completed","userId":"u","messageId":"m","properties":{"eventNo":"1","note":%q},`+
			`"context":{"traits":{"email":"u@example.com"}}}`, note)
	}
	large := track(strings.Repeat("x", 900_000))
	deep := `{"type":"track","event":"Order Completed","userId":"u","properties":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_001)
	cases := []struct{ value, inbox, crm string }{
		{large, "delivered", "dead request/rejected/http_413"}, // Kustomer takes 100 kB
		{"not json", "dead decode/invalid/not_json", "dead decode/invalid/not_json"},
		{"", "dead decode/invalid/not_json", "dead decode/invalid/not_json"},
		{"null", "dead decode/invalid/not_an_object", "dead decode/invalid/not_an_object"},
		{"[1]", "dead decode/invalid/not_an_object", "dead decode/invalid/not_an_object"},
		{"{}", "dead map/invalid/missing_type", "dead map/invalid/missing_type"},
		{`{"type":7}`, "dead map/invalid/wrong_type", "dead map/invalid/wrong_type"},
		{deep, "dead decode/invalid/too_deep", "dead decode/invalid/too_deep"},
		{`{"type":"alias","userId":"u"}`, "skipped type_not_taken", "skipped type_not_taken"},
		{`{"type":"track","event":["a"],"userId":"u","properties":"text"}`, "dead map/invalid/wrong_type", "dead map/invalid/wrong_type"},
		{`{"type":"track","event":"Order Completed"}`, "dead map/invalid/missing_identifier", "dead map/invalid/missing_identity"},
		{`{"type":"track","event":"Other","userId":"u","context":{"traits":{"email":"u@example.com"}}}`, "skipped event_not_configured", "delivered"},
	}
	var records []*kgo.Record
	for _, c := range cases {
		records = append(records, &kgo.Record{Topic: eventsTopic, Key: []byte("u"), Value: []byte(c.value)})
	}
	records = append(records,
		&kgo.Record{Topic: eventsTopic, Key: []byte("u")},
		&kgo.Record{Topic: eventsTopic, Key: bytes.Repeat([]byte("k"), 900_000), Value: []byte("odd")},
		&kgo.Record{Topic: eventsTopic, Key: []byte{0xff, 0xfe}, Value: []byte("odd")})
	w.Produce(t, records...)
	p := w.start(w.config(settings{}), "--log-level", "debug")
	w.awaitCommitted(p)
	p.stop()

	want, got := map[string]string{}, map[string]string{}
	for i, c := range cases {
		want[fmt.Sprint(inbox, i)], want[fmt.Sprint(crm, i)] = c.inbox, c.crm
	}
	for _, destination := range []string{inbox, crm} {
		want[fmt.Sprint(destination, len(cases))] = "skipped tombstone"
		want[fmt.Sprint(destination, len(cases)+1)] = "dead decode/invalid/not_json"
		want[fmt.Sprint(destination, len(cases)+2)] = "dead decode/invalid/not_json"
	}
	for _, r := range outcomeRecords(w.Consume(t, responsesTopic)) {
		destination, offset, what := told(t, r)
		got[fmt.Sprint(destination, offset)] = what
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	values := map[string]bool{}
	for _, r := range records {
		values[string(r.Value)] = true
	}
	for _, r := range w.Consume(t, lettersTopic) {
		if !values[string(r.Value)] {
			t.Errorf("a letter holds %.50q, which no record did", r.Value)
		}
	}
}

// failSome fails some lookups, and some of the first writes, in each of the ways that have a text of
// their own. A ticket without an answer is looked for during ten seconds, each time.
func failSome(c stub.Call) int {
	if c.Seq > 200 && c.Method != http.MethodGet {
		return 0
	}
	return []int{0, 0, 0, 503, 0, 422, 0, stub.DropConnection, 0, 404}[c.Seq%10]
}

func TestRun_noSecretAndNoBodyIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{stub: slow})
	w.desk.Desk(stubkustomer.Name).SetOutage(failSome)
	w.desk.Desk(stubtrengo.Name).SetOutage(failSome)
	w.produce(200, each(200))
	w.Produce(t, &kgo.Record{Topic: eventsTopic, Value: []byte(`{"type":"track","note":"` + secretText)})
	p := w.start(w.config(settings{}), "--log-level", "debug")
	url := p.listening()
	w.awaitCommitted(p)
	for _, destination := range []string{inbox, crm} {
		if gap := metric(t, url, "deskstream_conservation_gap", destination); gap != 0 {
			t.Errorf("the conservation gap of %s is %v", destination, gap)
		}
		if n := metric(t, url, "deskstream_records_read_total", destination); n != 201 {
			t.Errorf("%s read %v records, want 201", destination, n)
		}
	}
	_, page := get(t, url+"/metrics")
	_, ready := get(t, url+"/readyz")
	p.stop()
	places := map[string]string{"stderr": p.stderr.String(), "stdout": p.stdout.String(), "/metrics": page, "/readyz": ready}
	for place, text := range places {
		for _, secret := range []string{trengoToken, kustomerKey, secretText, "@example.com"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %q", place, secret)
			}
		}
	}
	for _, topic := range []string{responsesTopic, lettersTopic} {
		for _, r := range w.Consume(t, topic) {
			if text := fmt.Sprintf("%s %s %s", r.Key, r.Value, r.Headers); strings.Contains(text, trengoToken) || strings.Contains(text, kustomerKey) {
				t.Errorf("a record on %s shows a credential: %s", topic, text)
			}
		}
	}
}
