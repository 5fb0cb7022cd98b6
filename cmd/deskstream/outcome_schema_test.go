package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/stub"
)

// outcomeSchema is the JSON Schema of outcomes, made strict: a member that it does not have is an
// error.
func outcomeSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("../../deploy/schemas/outcome.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	closeObjects(schema)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("outcome.json", schema); err != nil {
		t.Fatal(err)
	}
	return compiler.MustCompile("outcome.json")
}

// closeObjects has each object of a schema take only the members that the schema names.
func closeObjects(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		_, named := s["required"]
		if _, open := s["additionalProperties"]; named && !open {
			s["additionalProperties"] = false
		}
		for _, inner := range s {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range s {
			closeObjects(inner)
		}
	}
}

// wantOutcomes reports lines that are no outcomes by the schema, and returns what they are about.
func wantOutcomes(t *testing.T, schema *jsonschema.Schema, lines string) (kinds []string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("an outcome that is none by its schema: %v\n%s", err, line)
		}
		o, _ := value.(map[string]any)
		var kind strings.Builder
		_, _ = fmt.Fprint(&kind, o["outcome"])
		for _, more := range []string{"rule", "reason", "correlationId", "cursor"} {
			if o[more] != nil {
				kind.WriteString(" " + more)
			}
		}
		if o["error"] != nil {
			_, _ = fmt.Fprint(&kind, " ", o["error"].(map[string]any)["class"])
		}
		kinds = append(kinds, kind.String())
	}
	return kinds
}

// Outcomes of all kinds are what the schema says: with rules and keys, of calls over Kafka, planned,
// skipped and dead.
func TestOutcomes_areWhatTheirSchemaSays(t *testing.T) {
	var apis []stub.API
	for _, kind := range all.Kinds() {
		apis = append(apis, kind.Stub())
	}
	desks := stub.New(stub.Config{Seed: 1}, apis...)
	server := httptest.NewServer(desks)
	defer server.Close()
	config := writeFile(t, "c.yaml", fmt.Sprintf(`
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-of-the-inbox, channel_id: "123456", base_url: %q}
    calls: {topic: helpdesk.calls, allow: [GET /labels, GET /tickets]}
    rules:
      - name: unpaid
        match: {event: [Unpaid]}
        contact: {create: true, fields: {Plan: pro, None: x}}
        ticket: {key: "{{ invoice }}", subject: Unpaid, team: Billing, labels: [none, vip], note: "{{ gone }}"}
      - {name: paid, match: {event: [Paid]}, ticket: {key: "{{ invoice }}", open: never, status: closed}}
  - name: crm
    type: kustomer
    kustomer: {api_key: key-of-the-crm, base_url: %q}
    rules:
      - {name: strict, match: {event: [Unpaid]}, contact: {create: true}, ticket: {key: "{{ invoice }}", team: Nobody}, on_missing: dead}
`, server.URL+desks.Desk("trengo").Path(), server.URL+desks.Desk("kustomer").Path()))
	const user = `"userId":"u-1","messageId":"m-1","context":{"traits":{"email":"a@example.com"}}`
	events := strings.Join([]string{
		`{"type":"track","event":"Unpaid",` + user + `,"properties":{"invoice":"I-7"}}`,
		`{"type":"track","event":"Unpaid",` + user + `}`,
		`{"type":"track","event":"Paid",` + user + `,"properties":{"invoice":"I-7"}}`,
		`{"type":"track","event":"Paid",` + user + `,"properties":{"invoice":"I-7"}}`,
		`{"type":"identify",` + user + `,"traits":{"name":"Ada"}}`,
		`{"type":"alias",` + user + `}`, `{"type":"track"}`, `[]`, `{`, "null",
		`{"type":"call","destination":"inbox","method":"GET","path":"/labels","correlationId":"c-1"}`,
		`{"type":"call","destination":"inbox","method":"GET","path":"/tickets","query":{"page":"1"},"correlationId":"c-2"}`,
		`{"type":"call","destination":"inbox","method":"GET","path":"/users","correlationId":"c-3"}`,
		`{"type":"call","destination":"other","method":"GET","path":"/users"}`,
	}, "\n")
	schema, seen := outcomeSchema(t), map[string]bool{}
	for _, command := range [][]string{{"plan", "--offline"}, {"deliver"}} {
		got := runWith(t.Context(), docsEnv, events, append(command, "-c", config)...)
		if got.code != exitOK && got.code != exitDead || got.stdout == "" {
			t.Fatalf("%q gave %d: %s", command, got.code, got.stderr)
		}
		for _, kind := range wantOutcomes(t, schema, got.stdout) {
			seen[kind] = true
		}
	}
	want := []string{
		"dead correlationId invalid", "dead invalid", "dead rule invalid", "delivered", "delivered correlationId", "delivered rule",
		"planned", "planned correlationId", "planned rule", "skipped reason", "skipped rule reason",
	}
	for _, kind := range want {
		if !seen[kind] {
			t.Errorf("no outcome was %s", kind)
		}
	}
	if t.Failed() {
		var kinds []string
		for kind := range seen {
			kinds = append(kinds, kind)
		}
		slices.Sort(kinds)
		t.Log(cmp.Diff(want, kinds))
	}
}
