package receive_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/receive"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/mapping"
)

// desks are the stub desks with registrations at a receiver.
type desks struct {
	*stubtest.Client
	kafka *kafkatest.Cluster
}

// call makes a call at a desk, and returns a member of the answer.
func (d desks) call(t *testing.T, method, path, body string, member ...string) string {
	t.Helper()
	reply, err := d.Try("token-of-an-agent", method, path, body)
	if err != nil || reply.Status >= 300 {
		t.Fatalf("%s %s: %d %s, %v", method, path, reply.Status, reply.Body, err)
	}
	v, err := mapping.ParseJSON([]byte(reply.Body))
	if err != nil && len(member) > 0 {
		t.Fatal(err)
	}
	return v.Get(member...).Text()
}

var trengoEvents = []string{
	"INBOUND", "OUTBOUND", "NOTE", "TICKET_LABEL_ADDED", "TICKET_LABEL_DELETED", "TICKET_ASSIGNED", "TICKET_CLOSED", "TICKET_REOPENED",
}

// newDesks registers webhooks at both desks, as a person would, and starts a receiver of them.
func newDesks(t *testing.T, cfg stub.Config) desks {
	t.Helper()
	client := stubtest.Serve(t, cfg, stubtrengo.New(nil), stubkustomer.New())
	d := desks{client, kafkatest.Kafka(t, kafkatest.Topic("helpdesk", 3))}
	var hooks []map[string]any
	ids := make(map[string]string) // of registrations, by the path at the receiver
	for _, event := range trengoEvents {
		made := fmt.Sprintf(`{"name":"deskstream","type":%q,"url":"http://127.0.0.1:1/"}`, event)
		reply, err := client.Try("token-of-an-agent", http.MethodPost, stubtrengo.Path+"/webhooks", made)
		if err != nil || reply.Status != http.StatusCreated {
			t.Fatal(reply, err)
		}
		hook := reply.JSON(t)
		ids["inbox/"+event] = fmt.Sprint(hook["id"])
		hooks = append(hooks, map[string]any{"event": event, "secrets": []any{hook["signing_secret"]}})
	}
	file := filepath.Join(t.TempDir(), "hooks.json")
	text, err := json.Marshal(map[string]any{"hooks": hooks})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	const kustomerHook = `{"name":"deskstream","url":"%s","events":["kustomer.conversation.create","kustomer.conversation.update","kustomer.customer.create","kustomer.message.create"]}`
	reply, err := client.Try("token-of-an-agent", http.MethodPost, stubkustomer.Path+"/v1/outbound-webhooks", fmt.Sprintf(kustomerHook, "http://127.0.0.1:1/"))
	if err != nil || reply.Status != http.StatusCreated {
		t.Fatal(reply, err)
	}
	made, err := mapping.ParseJSON([]byte(reply.Body))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, receive.Options{}, fmt.Sprintf(`
kafka: {brokers: [%q]}
http: {listen: "127.0.0.1:0"}
inbound: {topic: helpdesk, listen: "127.0.0.1:0"}
destinations:
  - {name: inbox, type: trengo, trengo: {api_token: token-for-trengo}, webhooks: {secrets_file: %q}}
  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}, webhooks: {secrets: [%q]}}
`, strings.Join(d.kafka.Brokers, ","), file, made.Get("data", "attributes", "token").Str()))
	for path, id := range ids {
		d.call(t, http.MethodPut, stubtrengo.Path+"/webhooks/"+id, fmt.Sprintf(`{"url":%q}`, r.url+"/webhooks/"+path))
	}
	d.call(t, http.MethodPut, stubkustomer.Path+"/v1/outbound-webhooks/"+made.Get("data", "id").Str(), fmt.Sprintf(kustomerHook, r.url+"/webhooks/crm"))
	return d
}

// events are the events on the topic, when there are n of a destination: type, and what id has it.
func (d desks) events(t *testing.T, destination string, n int) (list []mapping.Value) {
	t.Helper()
	await(t, func() bool {
		list = nil
		for _, r := range d.kafka.Consume(t, "helpdesk") {
			v, err := mapping.ParseObject(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			if v.Get("destination").Str() == destination {
				list = append(list, v)
			}
		}
		return len(list) >= n
	})
	return list
}

func types(events []mapping.Value) (list []string) {
	for _, e := range events {
		list = append(list, e.Get("type").Str())
	}
	return list
}

// What agents do at Trengo is on the topic as events of their ticket.
func TestDesks_whatHappensAtTrengoIsOnTheTopic(t *testing.T) {
	t.Parallel()
	d := newDesks(t, stub.Config{Seed: 1})
	contact := d.call(t, http.MethodPost, stubtrengo.Path+"/channels/123456/contacts", `{"identifier":"ada@example.com","name":"Ada"}`, "id")
	ticket := d.call(t, http.MethodPost, stubtrengo.Path+"/tickets", `{"channel_id":123456,"contact_id":`+contact+`,"subject":"Order 7"}`, "id")
	at := stubtrengo.Path + "/tickets/" + ticket
	d.call(t, http.MethodPost, at+"/assign", `{"type":"team","team_id":3001}`)
	d.call(t, http.MethodPost, at+"/assign", `{"type":"user","user_id":8}`)
	d.call(t, http.MethodPost, at+"/labels", `{"label_id":4001}`)
	d.call(t, http.MethodDelete, at+"/labels/4001", "")
	d.call(t, http.MethodPost, at+"/messages", `{"message":"asked the warehouse","internal_note":true}`)
	d.call(t, http.MethodPost, at+"/messages", `{"message":"on its way"}`)
	d.call(t, http.MethodPost, at+"/close", "{}")
	d.call(t, http.MethodPost, at+"/reopen", "{}")
	reply, err := d.Try("", http.MethodPost, "/_stub/webhooks?destination=trengo&event=INBOUND",
		`{"message_id":1,"ticket_id":`+ticket+`,"contact_id":`+contact+`,"message":"thanks","contact_name":"Ada","contact_email":"ada@example.com"}`)
	if err != nil || reply.Status != http.StatusNoContent {
		t.Fatal(reply, err)
	}
	events := d.events(t, "inbox", 9)
	want := map[string]int{
		"ticket.assigned": 2, "ticket.labelled": 1, "ticket.unlabelled": 1, "note.created": 1, "message.outbound": 1,
		"ticket.closed": 1, "ticket.reopened": 1, "message.inbound": 1,
	}
	got := make(map[string]int)
	for _, e := range events {
		got[e.Get("type").Str()]++
		if e.Get("ticket", "id").Str() != ticket || e.Get("repeat").IsTrue() || e.Get("late").IsTrue() {
			t.Errorf("an event of another ticket, or late, or repeated: %s", e.JSON())
		}
		switch e.Get("type").Str() {
		case "note.created":
			if e.Get("comment", "body").Str() != "asked the warehouse" || !e.Get("comment", "private").IsTrue() || e.Get("actor", "id").Str() != "7" {
				t.Errorf("the note is %s", e.JSON())
			}
		case "message.inbound":
			if e.Get("contact", "id").Str() != contact || e.Get("actor", "type").Str() != "contact" || e.Get("contact", "emails").At(0).Get("value").Str() != "ada@example.com" {
				t.Errorf("the message is %s", e.JSON())
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// What becomes of a conversation at Kustomer is told by what changed.
func TestDesks_whatHappensAtKustomerIsOnTheTopic(t *testing.T) {
	t.Parallel()
	d := newDesks(t, stub.Config{Seed: 1})
	customer := d.call(t, http.MethodPost, stubkustomer.Path+"/v1/customers", `{"name":"Ada","emails":[{"email":"ada@example.com"}]}`, "data", "id")
	conversation := d.call(t, http.MethodPost, stubkustomer.Path+"/v1/customers/"+customer+"/conversations", `{"name":"Order 7"}`, "data", "id")
	at := stubkustomer.Path + "/v1/conversations/" + conversation
	d.call(t, http.MethodPost, at+"/messages", `{"channel":"email","app":"postmark","direction":"in","preview":"where is it?"}`)
	d.call(t, http.MethodPost, at+"/messages", `{"channel":"email","app":"postmark","direction":"out","preview":"on its way"}`)
	d.call(t, http.MethodPost, at+"/tags", `["vip"]`)
	d.call(t, http.MethodDelete, at+"/tags", `["vip"]`)
	d.call(t, http.MethodPatch, at, `{"assignedUsers":["65f0000000000000000000b1"]}`)
	d.call(t, http.MethodPatch, at, `{"status":"done"}`)
	d.call(t, http.MethodPatch, at, `{"name":"Order 7, done"}`)
	d.call(t, http.MethodPatch, at, `{"status":"open"}`)
	want := []string{
		"ticket.created", "message.inbound", "message.outbound", "ticket.labelled", "ticket.unlabelled", "ticket.assigned",
		"ticket.closed", "ticket.updated", "ticket.reopened",
	}
	events := d.events(t, "crm", len(want)+1)
	var ofTicket []mapping.Value
	for _, e := range events {
		if e.Get("ticket", "id").Str() == conversation {
			ofTicket = append(ofTicket, e)
		} else if e.Get("type").Str() != "contact.created" || e.Get("contact", "id").Str() != customer {
			t.Errorf("an event of something else: %s", e.JSON())
		}
	}
	if diff := cmp.Diff(want, types(ofTicket)); diff != "" {
		t.Errorf("events of the conversation, in their order (-want +got):\n%s", diff)
	}
	closed := ofTicket[6]
	if closed.Get("ticket", "status").Str() != "closed" || closed.Get("ticket", "subject").Str() != "Order 7" || closed.Get("changes").Len() == 0 {
		t.Errorf("the event that it was closed is %s", closed.JSON())
	}
}

// Webhooks that come twice and out of order are all there, the second of each as a repeat.
func TestDesks_repeatsAreMarked(t *testing.T) {
	t.Parallel()
	d := newDesks(t, stub.Config{Seed: 3, Quirks: stub.Quirks{RepeatedWebhooks: 0.5, LateWebhooks: 20_000_000}})
	const n = 100
	for i := range n {
		reply, err := d.Try("", http.MethodPost, "/_stub/webhooks?destination=kustomer&event=kustomer.conversation.update", fmt.Sprintf(`{"type":"conversation","id":"c%d"}`, i))
		if err != nil || reply.Status != http.StatusNoContent {
			t.Fatal(reply, err)
		}
	}
	events := d.events(t, "crm", n+n/4)
	first, repeats := make(map[string]bool), 0
	for _, e := range events {
		id := e.Get("id").Str()
		if e.Get("repeat").IsTrue() {
			repeats++
		} else if first[id] {
			t.Errorf("event %s is there twice without a mark", id)
		}
		first[id] = true
	}
	if len(first) < n-20 || repeats == 0 {
		t.Errorf("%d events with %d repeats", len(first), repeats)
	}
}

// What the desk switched off shows in the metrics and the log.
func TestDesks_registrationsAreLookedAt(t *testing.T) {
	t.Parallel()
	client := stubtest.Serve(t, stub.Config{Seed: 1}, stubkustomer.New())
	reply, err := client.Try("key-for-kustomer", http.MethodPost, stubkustomer.Path+"/v1/outbound-webhooks",
		`{"name":"h","url":"https://hooks.example.com/webhooks/crm","events":["kustomer.conversation.update"],"enabled":false}`)
	if err != nil || reply.Status != http.StatusCreated {
		t.Fatal(reply, err)
	}
	kafka := kafkatest.Kafka(t, kafkatest.Topic("helpdesk", 1))
	r := start(t, receive.Options{}, fmt.Sprintf(`
kafka: {brokers: [%q]}
http: {listen: "127.0.0.1:0"}
inbound: {topic: helpdesk, listen: "127.0.0.1:0", public_url: https://hooks.example.com}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer, base_url: %q}, webhooks: {events: [ticket.closed], secrets: [a-secret-of-kustomer]}}
`, strings.Join(kafka.Brokers, ","), client.URL+stubkustomer.Path))
	await(t, func() bool {
		_, text := r.get(t, "/metrics")
		return strings.Contains(text, `deskstream_receive_registrations{destination="crm",state="off"} 1`) &&
			strings.Contains(text, `deskstream_receive_registrations{destination="crm",state="missing"} 0`)
	})
}
