package forget_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/forget"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/mapping/unified"
)

const (
	inbound = "helpdesk.events"
	crm     = inbound + ".crm."
	desk    = inbound + ".desk."
)

// world is a cluster with the topics of two desks that were exported.
type world struct {
	*kafkatest.Cluster

	t      *testing.T
	config *config.Config
}

func newWorld(t *testing.T, policy string) *world {
	t.Helper()
	topics := []kafkatest.Option{kafkatest.Topic("events", 1), kafkatest.Topic(inbound, 2, "cleanup.policy", policy, "retention.ms", "3600000")}
	for _, of := range []string{crm, desk} {
		for _, e := range []unified.Entity{unified.Contacts, unified.Accounts, unified.Tickets, unified.Comments, unified.Attachments, unified.Objects} {
			topics = append(topics, kafkatest.Topic(of+string(e), 2, "cleanup.policy", "compact"))
		}
	}
	w := &world{t: t, Cluster: kafkatest.Kafka(t, topics...)}
	w.config = configtest.Parse(t, `
kafka: {brokers: [%q]}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}, export: {entities: [contacts]}}
  - {name: desk, type: trengo, trengo: {api_token: token-for-trengo}}
`, strings.Join(w.Brokers, ","))
	return w
}

func (w *world) put(topic, key, value string) {
	w.t.Helper()
	r := &kgo.Record{Topic: topic, Key: []byte(key)}
	if value != "" {
		r.Value = []byte(value)
	}
	if err := w.Client(w.t).ProduceSync(w.t.Context(), r).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// fill has a person, u-7, with what is theirs at both desks, and somebody else.
func (w *world) fill() {
	w.t.Helper()
	w.put(crm+"contacts", "c1", `{"external_ids":["old","u-7"],"emails":[{"value":"Ann@Example.com"}],"account_id":"a1"}`)
	w.put(crm+"contacts", "c2", `{"external_ids":["u-8"],"emails":[{"value":"bob@example.com"}],"account_id":"a2"}`)
	w.put(crm+"contacts", "c3", `{"external_ids":["u-7"],"account_id":"a2"}`)
	w.put(crm+"accounts", "a1", `{"name":"Ann"}`)
	w.put(crm+"accounts", "a2", `{"name":"a company"}`)
	w.put(crm+"tickets", "t1", `{"contact_id":"c1","raw":{"contact_id":"c2"}}`)
	w.put(crm+"tickets", "t2", `{"contact_id":"c2"}`)
	w.put(crm+"comments", "m1", `{"ticket_id":"t1","author":{"type":"user","id":"c2"}}`)
	w.put(crm+"comments", "m2", `{"ticket_id":"t2","author":{"type":"contact","id":"c1"}}`)
	w.put(crm+"comments", "m3", `{"ticket_id":"t2","author":{"type":"user","id":"c1"}}`)
	w.put(crm+"attachments", "f1", `{"comment_id":"m2"}`)
	w.put(crm+"attachments", "f2", `{"comment_id":"m3"}`)
	w.put(crm+"objects", "o1", `{"contact_id":"c3"}`)
	w.put(crm+"objects", "o2", `{"contact_id":"c2"}`)
	w.put(desk+"contacts", "7", `{"emails":[{"value":"ann@example.com"}]}`)
	w.put(desk+"contacts", "u-7", `{"emails":[]}`)
	w.put(desk+"tickets", "9", `{"contact_id":"7"}`)
	w.put(desk+"tickets", "c1", `{"contact_id":"8"}`)
	w.put(desk+"tickets", "broken", `{`)
}

// left are the keys with a value, as topic without inbound's name and key.
func (w *world) left() (list []string) {
	w.t.Helper()
	for _, of := range []string{crm, desk} {
		for _, e := range []string{"contacts", "accounts", "tickets", "comments", "attachments", "objects"} {
			held := map[string]bool{}
			for _, r := range w.Consume(w.t, of+e) {
				if held[string(r.Key)] = true; r.Value == nil {
					delete(held, string(r.Key))
				}
			}
			for _, key := range slices.Sorted(maps.Keys(held)) {
				list = append(list, strings.TrimPrefix(of+e, inbound+".")+" "+key)
			}
		}
	}
	return list
}

// forget removes a person, and returns what was printed and logged.
func (w *world) forget(user string) (out, log string, err error) {
	var printed, logged bytes.Buffer
	err = forget.Run(w.t.Context(), forget.Options{
		Config: w.config, Log: slog.New(slog.NewTextHandler(&logged, nil)), User: user, Out: &printed,
	})
	return printed.String(), logged.String(), err
}

func TestRun_removesWhatExportsCopiedOfThePerson(t *testing.T) {
	rest := []string{
		"crm.contacts c2", "crm.accounts a2", "crm.tickets t2", "crm.comments m3", "crm.attachments f2", "crm.objects o2",
		"desk.contacts 7", "desk.contacts u-7", "desk.tickets 9", "desk.tickets broken", "desk.tickets c1",
	}
	w := newWorld(t, "delete")
	w.fill()
	out, log, err := w.forget("u-7")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rest, w.left()); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	for _, line := range []string{"2 records removed from " + crm + "contacts\n", "0 records removed from " + desk + "contacts\n", "events of desks  " + inbound + "  retention 1h0m0s\n"} {
		if !strings.Contains(out, line) {
			t.Errorf("it does not print %q:\n%s", line, out)
		}
	}
	if !strings.Contains(log, "topic="+desk+"tickets records=1") || strings.Contains(log, "records=2") {
		t.Errorf("of a record that cannot be read it says %s", log)
	}
	if out, _, err = w.forget("u-7"); err != nil || strings.Contains(out, "1 record") || strings.Contains(out, "2 records") {
		t.Errorf("again it prints %s, %v", out, err)
	}
	// By an e-mail address in any case, and by the desk's id.
	if _, _, err = w.forget("ANN@example.com"); err != nil || slices.Contains(w.left(), "desk.contacts 7") || slices.Contains(w.left(), "desk.tickets 9") {
		t.Errorf("by the address: %v, left are %v", err, w.left())
	}
	if _, _, err = w.forget("desk/contact/8"); err != nil || slices.Contains(w.left(), "desk.tickets c1") || !slices.Contains(w.left(), "crm.tickets t2") {
		t.Errorf("by the id: %v, left are %v", err, w.left())
	}
}

// documentOf reads what forget printed as a document.
func documentOf(t *testing.T, printed string) (doc struct {
	Schema int
	Kind   string
	Data   struct {
		Complete bool
		Removed  []struct {
			Topic   string
			Records int
		}
		Kept []struct{ Role, Topic, Retention string }
	}
},
) {
	t.Helper()
	if err := json.Unmarshal([]byte(printed), &doc); err != nil || doc.Schema != 1 || doc.Kind != "forget" || doc.Data.Removed == nil || doc.Data.Kept == nil {
		t.Fatalf("%v in what was printed:\n%s", err, printed)
	}
	return doc
}

// Programs read what was removed as one document, also of a run that an error ended in the middle.
func TestRun_printsADocument(t *testing.T) {
	w := newWorld(t, "delete")
	w.fill()
	w.FailProduce(crm+"tickets", 1, kerr.InvalidRecord)
	var printed bytes.Buffer
	o := forget.Options{Config: w.config, Log: slog.New(slog.DiscardHandler), User: "u-7", Out: &printed, JSON: true}
	if err := forget.Run(t.Context(), o); err == nil {
		t.Fatal("a record was refused, and there is no error")
	}
	removed := func() map[string]int {
		list := map[string]int{}
		for _, r := range documentOf(t, printed.String()).Data.Removed {
			list[strings.TrimPrefix(r.Topic, inbound+".")] = r.Records
		}
		return list
	}
	if doc := documentOf(t, printed.String()); doc.Data.Complete || len(doc.Data.Kept) != 0 || removed()["crm.comments"] != 2 {
		t.Errorf("of the run that failed it prints\n%s", &printed)
	}
	printed.Reset()
	if err := forget.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	doc := documentOf(t, printed.String())
	got := removed()
	if !doc.Data.Complete || got["crm.contacts"] != 2 || got["crm.tickets"] != 1 || got["crm.comments"] != 0 || got["desk.contacts"] != 0 {
		t.Errorf("it prints\n%s", &printed)
	}
	if !slices.ContainsFunc(doc.Data.Kept, func(k struct{ Role, Topic, Retention string }) bool {
		return k.Role == "events of desks" && k.Topic == inbound && k.Retention == "1h0m0s"
	}) {
		t.Errorf("what is kept is not said:\n%s", &printed)
	}
}

// The last record of a contact says whose it is, and after a tombstone the last before that.
func TestRun_theLastStateCounts(t *testing.T) {
	w := newWorld(t, "delete")
	w.put(crm+"contacts", "was", `{"external_ids":["u-7"]}`)
	w.put(crm+"contacts", "was", `{"external_ids":["u-8"]}`)
	w.put(crm+"contacts", "gone", `{"external_ids":["u-7"]}`)
	w.put(crm+"contacts", "gone", "")
	w.put(crm+"tickets", "t1", `{"contact_id":"was"}`)
	w.put(crm+"tickets", "t2", `{"contact_id":"gone"}`)
	if _, _, err := w.forget("u-7"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"crm.contacts was", "crm.tickets t1"}, w.left()); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

// A run that fails in the middle still knows, when it is repeated, whose the rest is.
func TestRun_canBeRepeated(t *testing.T) {
	w := newWorld(t, "delete")
	w.fill()
	w.FailProduce(crm+"tickets", 1, kerr.InvalidRecord)
	if _, _, err := w.forget("u-7"); err == nil || !strings.Contains(err.Error(), "removing records from "+crm+"tickets") {
		t.Fatalf("it ended with %v", err)
	}
	if !slices.Contains(w.left(), "crm.contacts c1") {
		t.Fatal("the contact is gone and its ticket is not")
	}
	if _, _, err := w.forget("u-7"); err != nil || slices.Contains(w.left(), "crm.tickets t1") || slices.Contains(w.left(), "crm.contacts c1") {
		t.Errorf("again: %v, left are %v", err, w.left())
	}
}

// A topic of events that somebody has compacted keeps them for ever: they go too.
func TestRun_removesEventsFromACompactedTopic(t *testing.T) {
	w := newWorld(t, "compact")
	w.fill()
	mine := []string{
		`crm/ticket/t1 {"destination":"crm","ticket":{"id":"t1"}}`,
		`crm/contact/c3 {"destination":"crm","contact":{"id":"c3"}}`,
		`crm/ticket/new {"destination":"crm","ticket":{"id":"new","contact_id":"c1"}}`,
		`crm/contact/late {"destination":"crm","contact":{"id":"late","external_ids":["u-7"]}}`,
	}
	others := []string{
		`desk/ticket/t1 {"destination":"desk","ticket":{"id":"t1"}}`,
		`crm/ticket/t2 {"destination":"crm","ticket":{"id":"t2","contact_id":"c2"}}`,
		`crm {"destination":"crm"}`,
		`other/contact/c1 {"destination":"other","contact":{"id":"c1"}}`,
	}
	for _, line := range append(mine, others...) {
		key, value, _ := strings.Cut(line, " ")
		w.put(inbound, key, value)
	}
	w.FailProduce(inbound, 1, kerr.InvalidRecord)
	if _, _, err := w.forget("u-7"); err == nil || !slices.Contains(w.left(), "crm.contacts c1") {
		t.Fatalf("it ended with %v, and the contact that events are recognised by is gone", err)
	}
	out, _, err := w.forget("u-7")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, fmt.Sprintf("%d records removed from %s\n", len(mine), inbound)) || strings.Contains(out, "events of desks") {
		t.Errorf("it printed\n%s", out)
	}
	for _, r := range w.Consume(t, inbound) {
		if r.Value == nil && !slices.ContainsFunc(mine, func(line string) bool { return strings.HasPrefix(line, string(r.Key)+" ") }) {
			t.Errorf("%s was removed", r.Key)
		}
	}
}
