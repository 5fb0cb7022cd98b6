package trengo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	"github.com/deskstream/deskstream/internal/stub/trengo"
)

func TestTrengo_refusesAsDocumented(t *testing.T) {
	d := serve(t, stub.Config{})
	contact := stubtest.Must(t, d.Call("POST", api+"/channels/123456/contacts", `{"identifier":"a@example.com"}`), 201)["id"]
	create := api + "/channels/123456/contacts"
	d.expect([]refusal{
		{"method that the path does not have", "DELETE", api + "/tickets", "", 405, `"message"`},
		{"method that no path has", "POST", api + "/tickets/messages", "{}", 405, `"message"`},
		{"GET of a path for POST", "GET", api + "/channels/123456/contacts", "", 405, `"message"`},
		{"POST to an unknown path", "POST", api + "/tickets/1/notes", "{}", 405, `"message"`},
		{"unknown contact", "GET", api + "/contacts/1", "", 404, `"message"`},
		{"update of an unknown contact", "PUT", api + "/contacts/1", `{"name":"x"}`, 404, `"message"`},
		{"name is a list", "PUT", fmt.Sprintf("%s/contacts/%v", api, contact), `{"name":["x"]}`, 422, `"errors":{"name":[`},
		{"unknown channel", "POST", api + "/channels/9/contacts", `{"identifier":"a@example.com"}`, 404, `"message"`},
		{"no identifier", "POST", create, `{}`, 422, `"errors":{"identifier":[`},
		{"blank identifier", "POST", create, `{"identifier":" "}`, 422, `"errors":{"identifier":[`},
		{"numeric identifier", "POST", create, `{"identifier":7}`, 422, `"errors":{"identifier":[`},
		{"phone number for an e-mail channel", "POST", create, `{"identifier":"+31612345678"}`, 422, `"errors":{"identifier":[`},
		{"word for a phone channel", "POST", api + "/channels/123457/contacts", `{"identifier":"abc"}`, 422, `"identifier"`},
		{"letters in a phone number", "POST", api + "/channels/123457/contacts", `{"identifier":"ext. 12"}`, 422, `"identifier"`},
		{"zeros for a phone channel", "POST", api + "/channels/123457/contacts", `{"identifier":"000"}`, 422, `"identifier"`},
		{"another channel in the body", "POST", create, `{"identifier":"a@example.com","channel_id":"9"}`, 422, `"channel_id"`},
		{"numeric name", "POST", create, `{"identifier":"a@example.com","name":7}`, 422, `"errors":{"name":[`},
		{"no JSON", "POST", create, `{`, 422, `"identifier"`},
		{"ticket of an unknown contact", "POST", api + "/tickets", `{"contact_id":1,"channel_id":"123456"}`, 422, `"errors":["`},
		{"ticket without contact", "POST", api + "/tickets", `{"channel_id":"123456"}`, 422, `"errors":["`},
		{"ticket in an unknown channel", "POST", api + "/tickets", fmt.Sprintf(`{"contact_id":%v,"channel_id":9}`, contact), 422, `"errors":["`},
		{"ticket with a numeric subject", "POST", api + "/tickets", fmt.Sprintf(`{"contact_id":%v,"channel_id":123456,"subject":1}`, contact), 422, `"errors":["`},
	})
}

func TestTrengo_findsOrCreatesByIdentifier(t *testing.T) {
	d := serve(t, stub.Config{})
	path := api + "/channels/123456/contacts"
	first := stubtest.Must(t, d.Call("POST", path, `{"identifier":"Ada@example.com","name":"Ada","channel_id":"123456","colour":"unknown keys are ignored"}`), 201)
	second := stubtest.Must(t, d.Call("POST", path, `{"identifier":"ada@EXAMPLE.com","name":"Other"}`), 200)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second create changed the contact: %s", diff)
	}
	id, err := first["id"].(json.Number).Int64()
	if err != nil || id <= 0 || id >= 1<<53 {
		t.Errorf("the id is %v, want a positive number below 2^53", first["id"])
	}
	other := serve(t, stub.Config{Seed: 99})
	if again := stubtest.Must(t, other.Call("POST", path, `{"identifier":"ada@example.com"}`), 201); again["id"] != first["id"] {
		t.Errorf("another run gave the id %v, want %v", again["id"], first["id"])
	}
}

func TestTrengo_showsPhonesFormatted(t *testing.T) {
	d := serve(t, stub.Config{})
	c := stubtest.Must(t, d.Call("POST", api+"/channels/123457/contacts", `{"identifier":"31 6 1234-5678"}`), 201)
	got := map[string]any{"phone": c["phone"], "formatted_phone": c["formatted_phone"], "identifier": c["identifier"], "email": c["email"], "is_phone": c["is_phone"]}
	want := map[string]any{"phone": "+31612345678", "formatted_phone": "+31 612345678", "identifier": "+31 612345678", "email": nil, "is_phone": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A search finds a number in the notation in which it is stored only: whole, or as far
// as it was typed.
func TestTrengo_searchFindsAPhoneNumberAsItIsStored(t *testing.T) {
	d := serve(t, stub.Config{})
	stubtest.Must(t, d.Call("POST", api+"/channels/123457/contacts", `{"identifier":"0031-612345678","name":"Ada"}`), 201)
	stubtest.Must(t, d.Call("POST", api+"/channels/123457/contacts", `{"identifier":"31 6 12345678"}`), 201)
	stubtest.Must(t, d.Call("POST", api+"/channels/123457/contacts", `{"identifier":"+316123456789"}`), 201)
	for term, want := range map[string]int{
		"+31612345678": 2, "+316123456789": 1, "+31": 2, "+0031612345678": 1,
		"31612345678": 0, "612345678": 0, "0612345678": 0, "0031612345678": 0,
		"+31 612345678": 0, "+31 6 12345678": 0,
	} {
		if got := search(t, d, term, 1).hits; len(got) != want {
			t.Errorf("%q finds %d contacts, want %d", term, len(got), want)
		}
	}
}

func TestTrengo_unknownPathIsTheWebApplication(t *testing.T) {
	d := serve(t, stub.Config{})
	for _, path := range []string{"/users/me", "/attachments", "/tickets/1/notes", "/contacts/1/2/3"} {
		r := d.Call("GET", api+path, "")
		if r.Status != 200 || !strings.HasPrefix(r.Body, "<!DOCTYPE html>") || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: got %d %s %s, want 200 with a page of HTML", path, r.Status, r.Header.Get("Content-Type"), r.Body)
		}
	}
}

func TestTrengo_ignoresTheChannelOfAContactSearch(t *testing.T) {
	d := serve(t, stub.Config{})
	stubtest.Must(t, d.Call("POST", api+"/channels/123456/contacts", `{"identifier":"a@example.com"}`), 201)
	stubtest.Must(t, d.Call("POST", api+"/channels/123457/contacts", `{"identifier":"+31612345678"}`), 201)
	if hits := stubtest.Must(t, d.Call("GET", api+"/contacts?channel_id=123457&per_page=1", ""), 200)["data"].([]any); len(hits) != 2 {
		t.Errorf("found %d contacts, want both", len(hits))
	}
}

type page struct {
	hits []string // names
	next any
	last any
}

func search(t *testing.T, d *desk, term string, n int) page {
	t.Helper()
	q := url.Values{"page": {fmt.Sprint(n)}, "term": {term}}
	m := stubtest.Must(t, d.Call("GET", api+"/contacts?"+q.Encode(), ""), 200)
	p := page{next: m["links"].(map[string]any)["next"], last: m["links"].(map[string]any)["last"]}
	for _, hit := range m["data"].([]any) {
		name, _ := hit.(map[string]any)["name"].(string)
		p.hits = append(p.hits, name)
	}
	return p
}

func TestTrengo_searchesBySubstring(t *testing.T) {
	d := serve(t, stub.Config{})
	for _, c := range [][2]string{{"a@example.com", "Ada"}, {"aa@example.com", "Bob"}, {"carl@example.com", "Carl a@example.com fan"}} {
		stubtest.Must(t, d.Call("POST", api+"/channels/123456/contacts", fmt.Sprintf(`{"identifier":%q,"name":%q}`, c[0], c[1])), 201)
	}
	for term, want := range map[string]int{
		"a@example.com": 3, "aa@example": 1, "ADA": 1, "carl": 1, "nobody": 0, "c": 3, "": 3, "a b": 0, "%": 0,
	} {
		if got := search(t, d, term, 1).hits; len(got) != want {
			t.Errorf("%q finds %v, want %d contacts", term, got, want)
		}
	}
}

func TestTrengo_searchFollowsANewName(t *testing.T) {
	d := serve(t, stub.Config{})
	c := stubtest.Must(t, d.Call("POST", api+"/channels/123456/contacts", `{"identifier":"a@example.com","name":"Ada"}`), 201)
	for _, name := range []string{"Grace", "Ada", "Grace"} {
		stubtest.Must(t, d.Call("PUT", fmt.Sprintf("%s/contacts/%v", api, c["id"]), fmt.Sprintf(`{"name":%q}`, name)), 200)
	}
	if got := search(t, d, "grace", 1).hits; len(got) != 1 {
		t.Errorf("the new name finds %v, want one contact", got)
	}
	if got := search(t, d, "ada", 1).hits; len(got) != 0 {
		t.Errorf("the old name finds %v, want nothing", got)
	}
}

func TestTrengo_pagesBy25WithTheSimplePaginator(t *testing.T) {
	d := serve(t, stub.Config{})
	for i := range 60 {
		stubtest.Must(t, d.Call("POST", api+"/channels/123456/contacts", fmt.Sprintf(`{"identifier":"u%d@example.com","name":"n%d"}`, i, i)), 201)
	}
	seen := map[string]bool{}
	for n, want := range []int{25, 25, 10} {
		p := search(t, d, "example.com", n+1)
		if len(p.hits) != want || (p.next != nil) != (n < 2) || p.last != nil {
			t.Errorf("page %d has %d hits, next %v, last %v", n+1, len(p.hits), p.next, p.last)
		}
		for _, name := range p.hits {
			seen[name] = true
		}
	}
	if len(seen) != 60 {
		t.Errorf("three pages hold %d contacts, want 60", len(seen))
	}
}

func TestTrengo_ticketIdsAreTheSameInEveryRun(t *testing.T) {
	ids := func() (ids []string) {
		d := serve(t, stub.Config{})
		c := stubtest.Must(t, d.Call("POST", api+"/channels/123456/contacts", `{"identifier":"a@example.com"}`), 201)
		for range 3 {
			ticket := stubtest.Must(t, d.Call("POST", api+"/tickets", fmt.Sprintf(`{"contact_id":%v,"channel_id":"123456","subject":"Help"}`, c["id"])), 201)
			if ticket["contact_id"] != c["id"] || ticket["subject"] != "Help" || ticket["status"] != "ASSIGNED" {
				t.Errorf("the ticket is %v", ticket)
			}
			ids = append(ids, ticket["id"].(json.Number).String())
		}
		return ids
	}
	first := ids()
	if first[0] == first[1] || first[1] == first[2] {
		t.Errorf("equal tickets share an id: %v", first)
	}
	if diff := cmp.Diff(first, ids()); diff != "" {
		t.Errorf("a second run gives other ids: %s", diff)
	}
}

func TestTrengo_refusesOverTheLimit(t *testing.T) {
	d := serve(t, stub.Config{Limit: 2})
	for want := 1; want >= 0; want-- {
		r := d.Call("GET", api+"/contacts", "")
		if r.Status != 200 || r.Header.Get("X-Ratelimit-Limit") != "2" || r.Header.Get("X-Ratelimit-Remaining") != fmt.Sprint(want) {
			t.Fatalf("got %d %v, want 200 with %d left", r.Status, r.Header, want)
		}
	}
	r := d.Call("GET", api+"/contacts", "")
	if r.Status != http.StatusTooManyRequests || r.Body != `{"message":"Too Many Attempts."}` {
		t.Errorf("got %d %s, want 429", r.Status, r.Body)
	}
	if r.Header.Get("Retry-After") == "" || r.Header.Get("X-Ratelimit-Reset") == "" || r.Header.Get("X-Ratelimit-Remaining") != "0" {
		t.Errorf("a 429 has the headers %v", r.Header)
	}
	if r, err := d.Try("another", "GET", api+"/contacts", ""); err != nil || r.Status != 200 {
		t.Errorf("another token got %d, %v: limits are per token", r.Status, err)
	}
}

func TestTrengo_wantsABearerToken(t *testing.T) {
	d := serve(t, stub.Config{Tokens: []string{"good"}})
	for token, want := range map[string]int{"": 401, "bad": 401, "good": 200} {
		r, err := d.Try(token, "GET", api+"/contacts", "")
		if err != nil || r.Status != want {
			t.Errorf("token %q: got %d, %v, want %d", token, r.Status, err, want)
		}
		if want == 401 && r.Body != `{"message":"Unauthenticated."}` {
			t.Errorf("token %q: got %s", token, r.Body)
		}
	}
}

func TestCheckChannels_namesEveryProblem(t *testing.T) {
	if err := trengo.CheckChannels(trengo.DefaultChannels); err != nil {
		t.Errorf("the default channels are refused: %v", err)
	}
	err := trengo.CheckChannels(map[string]string{"x": trengo.EMAIL, "0": trengo.SMS, "1": "PIGEON"})
	for _, want := range []string{`channel "x" is no positive number`, `channel "0" is no positive number`, `channel 1 has the unknown type "PIGEON"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}
