package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
)

func TestWebhooks_areListedPlannedAndApplied(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(stub.New(stub.Config{}, stubkustomer.New()))
	t.Cleanup(server.Close)
	secrets := filepath.Join(t.TempDir(), "hooks.json")
	text := fmt.Sprintf(`
inbound: {public_url: https://hooks.example.com}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer, base_url: %q}, webhooks: {events: [ticket.closed], secrets_file: %q}}
`, server.URL+stubkustomer.Path, secrets)
	file := writeFile(t, "c.yaml", text)
	for _, step := range []struct{ command, out, err string }{
		{"list", "crm          missing  -   kustomer.conversation.update  https://hooks.example.com/webhooks/crm", ""},
		{"plan", "missing", ""},
		{"apply", "crm: kustomer.conversation.update https://hooks.example.com/webhooks/crm\n", "1 registration changed."},
		{"list", "registered", ""},
		{"plan", "", "Nothing is to be changed."},
		{"apply", "", "0 registrations changed."},
	} {
		got := runCommand(t, "", "webhooks", step.command, "-c", file)
		got.want(t, exitOK, step.out, step.err)
		if strings.Contains(got.stdout+got.stderr, "key-for-kustomer") {
			t.Errorf("%s shows a secret:\n%s%s", step.command, got.stdout, got.stderr)
		}
	}
	const made = `{"schema":1,"kind":"webhooks.apply","data":{"changed":[{"destination":"crm","was":"missing","id":"`
	crm2 := writeFile(t, "c2.yaml", strings.ReplaceAll(text, "hooks.example.com", "other.example.com"))
	other := runCommand(t, "", "webhooks", "apply", "-c", crm2, "-o", "json")
	other.want(t, exitOK, made, "1 registration changed.")
	other.want(t, exitOK, `"events":["kustomer.conversation.update"],"url":"https://other.example.com/webhooks/crm"}]}}`+"\n", "1 registration changed.")
	runCommand(t, "", "webhooks", "apply", "-c", crm2, "--json").want(t, exitOK, `{"schema":1,"kind":"webhooks.apply","data":{"changed":[]}}`, "0 registrations changed.")
	const registered = `{"schema":1,"kind":"webhooks.list","data":{"registrations":[{"destination":"crm","state":"registered","id":"`
	runCommand(t, "", "webhooks", "list", "-c", file, "--json").want(t, exitOK, registered, "")
	runCommand(t, "", "webhooks", "plan", "-c", file, "-o", "json").want(t, exitOK, `{"schema":1,"kind":"webhooks.plan","data":{"registrations":[]}}`, "")
	without := writeFile(t, "c.yaml", strings.Replace(text, "inbound: {public_url: https://hooks.example.com}", "", 1))
	runCommand(t, "", "webhooks", "apply", "-c", without).want(t, exitUsage, "", "inbound.public_url is missing")
	runCommand(t, "", "webhooks", "plan", "-c", file, "--destination", "none").want(t, exitUsage, "", `no destination is called "none"`)
}

// A desk that switched a webhook off is told again to send, and what it did not send is read from its lists.
func TestWebhooksApply_catchesUp(t *testing.T) {
	t.Parallel()
	desk := stub.New(stub.Config{Limit: 1 << 30}, stubkustomer.New())
	server := httptest.NewServer(desk)
	t.Cleanup(server.Close)
	kafka := kafkatest.Kafka(t)
	file := writeFile(t, "c.yaml", fmt.Sprintf(`
kafka: {brokers: [%q]}
inbound: {public_url: https://hooks.example.com}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: key-for-kustomer, base_url: %q}
    webhooks: {events: [contact.created], secrets_file: %q}
    export: {entities: [contacts], every: 1h}
    delivery: {rate_limit: {requests: 100000000, per: 1m}}
`, strings.Join(kafka.Brokers, ","), server.URL+stubkustomer.Path, filepath.Join(t.TempDir(), "hooks.json")))
	call := func(method, path, body string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+stubkustomer.Path+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer key-for-kustomer")
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer struct{ Data struct{ ID string } }
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode >= 300 {
			t.Fatalf("%s %s: %d, %v", method, path, resp.StatusCode, err)
		}
		return answer.Data.ID
	}
	apply := func(want string, flags ...string) {
		t.Helper()
		r := runCommand(t, "", append([]string{"webhooks", "apply", "-c", file}, flags...)...)
		if r.code != exitOK || !strings.Contains(r.stderr, want) {
			t.Errorf("apply %v: %d %s", flags, r.code, r.stderr)
		}
	}
	off := func(id string) {
		t.Helper()
		call("PUT", "/v1/outbound-webhooks/"+id, `{"name":"h","url":"https://hooks.example.com/webhooks/crm","events":["kustomer.customer.create"],"enabled":false}`)
	}
	id := call("POST", "/v1/outbound-webhooks", `{"name":"h","url":"https://hooks.example.com/webhooks/crm","events":["kustomer.customer.create"]}`)
	off(id)
	apply("run deskstream export --once", "--catch-up=false")
	if r := runCommand(t, "", "export", "-c", file, "--create-topics", "--once"); r.code != exitOK {
		t.Fatal(r.stderr)
	}
	off(id)
	missed := call("POST", "/v1/customers", `{"name":"Ada"}`)
	apply("1 registration changed")
	if found := kafka.Consume(t, "helpdesk.events.crm.contacts"); len(found) != 1 || string(found[0].Key) != missed {
		t.Errorf("%d objects were written", len(found))
	}
	apply("0 registrations changed") // and nothing to catch up on
}
