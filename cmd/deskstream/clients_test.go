package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// client is a client library and events of each kind as it writes them, with values of our own.
type client struct {
	Library, Package, Version string
	Spellings                 string // what is notable, as Markdown
	Events                    []clientEvent
}

type clientEvent struct {
	What  string
	Event json.RawMessage // as it is on the wire, spellings of numbers included

	body mapping.Value
}

func (c *client) title() string { return c.Library + " " + c.Version }

func (e *clientEvent) get(name string) mapping.Value { return e.body.Get(name) }

// clientsConfig is what the events are planned with.
const clientsConfig = `
destinations:
  - name: email
    type: trengo
    trengo:
      api_token: token-of-the-page
      base_url: http://127.0.0.1:1
      channel_id: "1"
      event_templates: [{event: Order Paid, template: "Order Paid {{ properties.amount }}"}]
  - name: phone
    type: trengo
    trengo:
      api_token: token-of-the-page
      base_url: http://127.0.0.1:1
      channel_id: "2"
      channel_identifier: phone
      event_templates: [{event: Order Paid}]
  - name: crm
    type: kustomer
    kustomer: {api_key: key-of-the-page-1, base_url: "http://127.0.0.1:1"}
`

func readClients(t *testing.T) []client {
	t.Helper()
	files, err := filepath.Glob("testdata/clients/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stored events: %v", err)
	}
	var all []client
	for _, file := range files {
		var c client
		if err := json.Unmarshal([]byte(readFile(t, file)), &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for i := range c.Events {
			if c.Events[i].body, err = mapping.ParseJSON(c.Events[i].Event); err != nil {
				t.Fatalf("%s: %s: %v", file, c.Events[i].What, err)
			}
		}
		all = append(all, c)
	}
	return all
}

// outcomes are those of the events at each destination of clientsConfig.
func (c *client) outcomes(t *testing.T) [][]sink.Outcome {
	t.Helper()
	var input strings.Builder
	for _, e := range c.Events {
		fmt.Fprintf(&input, "%s\n", e.Event)
	}
	got := runCommand(t, input.String(), "plan", "--offline", "-c", writeFile(t, "c.yaml", clientsConfig))
	if got.code != exitOK {
		t.Fatalf("%s: plan gave %d: %s", c.Library, got.code, got.stderr)
	}
	var flat []sink.Outcome
	for line := range strings.Lines(got.stdout) {
		var o sink.Outcome
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		flat = append(flat, o)
	}
	if len(flat) != 3*len(c.Events) {
		t.Fatalf("%s: %d outcomes of %d events", c.Library, len(flat), len(c.Events))
	}
	return slices.Collect(slices.Chunk(flat, 3))
}

// The page can be renewed without being read; that a person is found cannot be renewed away.
func TestClients_aKnownPersonIsFoundWhateverTheLibrary(t *testing.T) {
	t.Parallel()
	for _, c := range readClients(t) {
		t.Run(c.Library, func(t *testing.T) {
			i := slices.IndexFunc(c.Events, func(e clientEvent) bool { return e.get("type").Str() == "identify" })
			event, outcomes := c.Events[i], c.outcomes(t)[i]
			user, email := event.get("userId").Text(), event.trait("email").Text()
			byEmail, byPhone, customer := written(t, outcomes[0]), written(t, outcomes[1]), written(t, outcomes[2])
			phone := "316123456" + user[len(user)-2:]
			got := []string{
				byEmail.Get("identifier").Text(), digits(byPhone.Get("identifier").Text()), customer.Get("externalId").Text(),
				customer.Get("emails").At(0).Get("email").Text(), digits(customer.Get("phones").At(0).Get("phone").Text()),
			}
			if diff := cmp.Diff([]string{email, phone, user, email, phone}, got); diff != "" {
				t.Errorf("identifiers at Trengo, and the customer's id and addresses (-want +got):\n%s", diff)
			}
			if name := customer.Get("name").Text(); name == "" || name != byEmail.Get("name").Text() || !strings.Contains(string(event.Event), strings.Fields(name)[0]) {
				t.Errorf("the name is %q and %q", name, byEmail.Get("name").Text())
			}
		})
	}
}

func TestClients_theLaneIsThePersonsWhateverTheLibrary(t *testing.T) {
	t.Parallel()
	for _, c := range readClients(t) {
		for i, outcomes := range c.outcomes(t) {
			event := c.Events[i]
			want := event.get("userId").Str() // a library that writes a number writes 0, for nobody
			if want == "" {
				want = event.get("anonymousId").Text()
			}
			for _, o := range outcomes {
				if o.Event.Lane == nil || *o.Event.Lane != want || want == "" {
					t.Errorf("%s: %s: the lane at %s is %s, want %q", c.Library, event.What, o.Destination.Name, laneOf(o), want)
				}
			}
		}
	}
}

// trait is a trait of the event's person, wherever the library puts it.
func (e *clientEvent) trait(name string) mapping.Value {
	if v := e.body.Get("traits", name); v.Exists() {
		return v
	}
	return e.body.Get("context", "traits", name)
}

// written is the body of an outcome's last call.
func written(t *testing.T, o sink.Outcome) mapping.Value {
	t.Helper()
	if len(o.Calls) == 0 {
		t.Fatalf("no call: %+v", o)
	}
	body, err := mapping.ParseJSON([]byte(o.Calls[len(o.Calls)-1].Request.String()))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func digits(text string) string {
	return strings.TrimPrefix(strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, text), "00")
}
