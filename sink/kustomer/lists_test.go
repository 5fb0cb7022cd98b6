package kustomer_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/kustomer"
)

const (
	byID   = "GET /v1/customers/c-1"
	update = "PUT /v1/customers/c-1"
)

// scene is what some events do to a scripted desk.
type scene struct {
	mode   mapper.ListMode
	script map[string][]answer
	// events are sent one after another.
	events []string
	// lookups are all calls that read, writes all that write, with their bodies.
	lookups, writes []string
	// warnings are texts of which each stands in one warning of the last event.
	warnings []string
	// end is how the last event ends: "" delivered, "skipped", or the failure's words.
	end string
}

func (s scene) play(t *testing.T) {
	t.Helper()
	d := &desk{script: s.script}
	c := kustomer.New(newIDs())
	var receipt sink.Receipt
	var err error
	for _, event := range s.events {
		receipt, err = c.Send(t.Context(), d, mapped(t, event, mapper.Config{Lists: s.mode}))
	}
	var lookups []string
	for _, call := range d.calls {
		if strings.HasPrefix(call, "GET ") {
			lookups = append(lookups, strings.Replace(call, "/v1/customers/", "", 1))
		}
	}
	var writes []string
	for _, body := range d.bodies {
		writes = append(writes, strings.Replace(body, "/v1/customers/", "", 1))
	}
	if diff := cmp.Diff(s.lookups, lookups); diff != "" {
		t.Errorf("lookups (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.writes, writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if len(receipt.Warnings) != len(s.warnings) {
		t.Errorf("warnings %q, want %q", receipt.Warnings, s.warnings)
	}
	for _, want := range s.warnings {
		wantOne(t, receipt.Warnings, want)
	}
	if end := ending(err); end != s.end {
		t.Errorf("the event ended as %q, want %q: %v", end, s.end, err)
	}
}

func wantOne(t *testing.T, warnings []string, text string) {
	t.Helper()
	n := 0
	for _, w := range warnings {
		if strings.Contains(w, text) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("warnings %q, want one with %q", warnings, text)
	}
}

func ending(err error) string {
	if f, ok := errors.AsType[*sink.Failure](err); ok {
		return string(f.Stage) + " " + string(f.Class) + " " + string(f.Code)
	}
	if errors.Is(err, mapping.NothingToUpdate) {
		return "skipped"
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// who is a lookup's answer with the customer c-1, or another one, and its attributes.
func who(id, attributes string) answer {
	return answer{http.StatusOK, `{"data":{"type":"customer","id":"` + id + `","attributes":` + attributes + `}}`}
}

// linked is who with a company.
func linked(id, attributes, company string) answer {
	return answer{http.StatusOK, `{"data":{"type":"customer","id":"` + id + `","attributes":` + attributes +
		`,"relationships":{"company":{"data":{"type":"company","id":"` + company + `"}}}}}`}
}

// traits is an identify of u1.
func traits(of string) string { return `{"type":"identify","userId":"u1","traits":{` + of + `}}` }

// named is an identify of u1 that names the customer c-1.
func named(of string) string {
	return `{"type":"identify","userId":"u1","traits":{` + of + `},"context":{"externalId":[{"type":"kustomerId","id":"c-1"}]}}`
}

func plays(t *testing.T, scenes map[string]scene) {
	t.Helper()
	for name, s := range scenes {
		t.Run(name, s.play)
	}
}

func TestSend_updateKeepsWhatTheEventDoesNotName(t *testing.T) {
	full := `["t1","t2","t3","t4","t5","t6","t7","t8","t9","t10","t11","t12","t13","t14","t15","t16","t17","t18","t19"`
	plays(t, map[string]scene{
		"new entries follow those of the desk": {
			script:  map[string][]answer{byUser: {who("c-1", `{"externalId":"u1","emails":[{"email":"w@shop.test","type":"work","verified":false,"id":null}],"tags":["vip"]}`)}},
			events:  []string{traits(`"emails":["n@shop.test",{"email":"o@shop.test","type":"other"}],"tags":["vip","new"]`)},
			lookups: []string{"GET externalId=u1"},
			writes: []string{`PUT c-1 {"externalId":"u1","emails":[{"email":"w@shop.test","type":"work","verified":false},` +
				`{"type":"home","email":"n@shop.test"},{"type":"other","email":"o@shop.test"}],"tags":["vip","new"]}`},
		},
		"all is there": {
			script:  map[string][]answer{byUser: {linked("c-1", `{"externalId":"u1","rev":4,"tags":["a","b"],"phones":[{"phone":"+31 6 1234 5678"}]}`, "5fc")}},
			events:  []string{traits(`"tags":["b"],"phone":"0031612345678"`)},
			lookups: []string{"GET externalId=u1"},
			end:     "skipped",
		},
		"no room": {
			script:   map[string][]answer{byUser: {who("c-1", `{"externalId":"u1","tags":`+full+`]}`)}},
			events:   []string{traits(`"name":"N","tags":["t3","n1","n2"]`)},
			lookups:  []string{"GET externalId=u1"},
			writes:   []string{`PUT c-1 {"name":"N","externalId":"u1","tags":` + full + `,"n1"]}`},
			warnings: []string{"tags: 1 left out"},
		},
		"an empty list changes nothing": {
			script:  map[string][]answer{byUser: {who("c-1", `{"externalId":"u1","tags":["vip"],"socials":[{"type":"twitter","username":"n"}]}`)}},
			events:  []string{traits(`"tags":[],"socials":[],"whatsapps":[]`)},
			lookups: []string{"GET externalId=u1"},
			end:     "skipped",
		},
		"the revision and the company go back": {
			script:  map[string][]answer{byUser: {linked("c-1", `{"externalId":"u1","rev":12}`, "5fc")}},
			events:  []string{traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`PUT c-1 {"externalId":"u1","tags":["x"],"company":"5fc","rev":12}`},
		},
		"no revision without a list": {
			script:  map[string][]answer{byUser: {who("c-1", `{"externalId":"u1","rev":12,"tags":["x"]}`)}},
			events:  []string{traits(`"tags":"x","name":"N"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`PUT c-1 {"name":"N","externalId":"u1"}`},
		},
		"the event's own revision and company win": {
			script:  map[string][]answer{byUser: {linked("c-1", `{"externalId":"u1","rev":12}`, "5fc")}},
			events:  []string{traits(`"tags":"x","rev":7,"company":"5fd"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`PUT c-1 {"externalId":"u1","company":"5fd","tags":["x"],"rev":7}`},
		},
		"a create has one entry of a value": {
			events:  []string{traits(`"emails":["a@shop.test","A@Shop.test"],"tags":["x"]`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`POST /v1/customers {"externalId":"u1","emails":[{"type":"home","email":"a@shop.test"}],"tags":["x"]}`},
		},
	})
}

func TestSend_listsAreReadWhereNothingHasShownThem(t *testing.T) {
	desk := `{"externalId":"u1","rev":3,"tags":["vip"],"phones":[{"phone":"+3161"}]}`
	plays(t, map[string]scene{
		"the event names the customer": {
			script:  map[string][]answer{byID: {who("c-1", desk)}},
			events:  []string{named(`"tags":"x"`)},
			lookups: []string{"GET c-1"},
			writes:  []string{`PUT c-1 {"externalId":"u1","tags":["vip","x"],"rev":3}`},
		},
		"and it has all": {
			script:  map[string][]answer{byID: {who("c-1", desk)}},
			events:  []string{named(`"tags":"vip"`)},
			lookups: []string{"GET c-1"},
			end:     "skipped",
		},
		"and the event has no list": {
			events: []string{named(`"name":"N"`)},
			writes: []string{`PUT c-1 {"name":"N","externalId":"u1"}`},
		},
		"a remembered customer and a new entry": {
			script:  map[string][]answer{byUser: {who("c-1", desk)}, byID: {who("c-1", desk)}},
			events:  []string{traits(`"name":"N"`), traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1", "GET c-1"},
			writes:  []string{`PUT c-1 {"name":"N","externalId":"u1"}`, `PUT c-1 {"externalId":"u1","tags":["vip","x"],"rev":3}`},
		},
		"a remembered customer and entries that were shown": {
			script:  map[string][]answer{byUser: {who("c-1", desk)}},
			events:  []string{traits(`"name":"N"`), traits(`"name":"M","tags":"vip","phone":"+31 61"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`PUT c-1 {"name":"N","externalId":"u1"}`, `PUT c-1 {"name":"M","externalId":"u1"}`},
		},
		"a member that was not shown": {
			script:  map[string][]answer{byUser: {who("c-1", desk)}, byID: {who("c-1", desk)}},
			events:  []string{traits(`"name":"N"`), traits(`"phones":[{"type":"work","phone":"+3161"}]`)},
			lookups: []string{"GET externalId=u1", "GET c-1"},
			writes:  []string{`PUT c-1 {"name":"N","externalId":"u1"}`, `PUT c-1 {"externalId":"u1","phones":[{"phone":"+3161","type":"work"}],"rev":3}`},
		},
		"entries that were written": {
			events:  []string{traits(`"tags":["x","y"]`), traits(`"tags":"y","name":"N"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`POST /v1/customers {"externalId":"u1","tags":["x","y"]}`, `PUT new {"name":"N","externalId":"u1"}`},
		},
		"a customer who moves back": {
			script: map[string][]answer{"GET /v1/customers/new": {
				who("new", `{"externalId":"u1","locations":[{"type":"home","address":"1 A St"}]}`),
				who("new", `{"externalId":"u1","locations":[{"type":"home","address":"2 B St"}]}`),
			}},
			events:  []string{traits(`"address":"1 A St"`), traits(`"address":"2 B St"`), traits(`"address":"1 A St"`)},
			lookups: []string{"GET externalId=u1", "GET new", "GET new"},
			writes: []string{
				`POST /v1/customers {"externalId":"u1","locations":[{"type":"home","address":"1 A St"}]}`,
				`PUT new {"externalId":"u1","locations":[{"type":"home","address":"2 B St"}]}`,
				`PUT new {"externalId":"u1","locations":[{"type":"home","address":"1 A St"}]}`,
			},
		},
		"nothing but lists that memory has": {
			script: map[string][]answer{byID: {who("c-1", desk)}},
			events: []string{
				`{"type":"identify","traits":{"tags":"x"},"context":{"externalId":[{"type":"kustomerId","id":"c-1"}]}}`,
				`{"type":"identify","traits":{"tags":"x"},"context":{"externalId":[{"type":"kustomerId","id":"c-1"}]}}`,
			},
			lookups: []string{"GET c-1"},
			writes:  []string{`PUT c-1 {"tags":["vip","x"],"rev":3}`},
			end:     "skipped",
		},
		"a remembered customer that is gone": {
			script: map[string][]answer{byUser: {who("c-1", desk), {404, ""}}, byID: {{404, ""}}},
			events: []string{traits(`"name":"N"`), traits(`"tags":"x"`)},
			lookups: []string{
				"GET externalId=u1", "GET c-1", "GET externalId=u1",
			},
			writes: []string{`PUT c-1 {"name":"N","externalId":"u1"}`, `POST /v1/customers {"externalId":"u1","tags":["x"]}`},
		},
		"a named customer that is not there": {
			script:  map[string][]answer{byID: {{404, ""}}},
			events:  []string{named(`"tags":"x"`)},
			lookups: []string{"GET c-1"},
			end:     "lookup rejected http_404",
		},
	})
}

func TestSend_companyOfARememberedCustomerGoesBack(t *testing.T) {
	plays(t, map[string]scene{
		"shown by a lookup": {
			script:  map[string][]answer{byUser: {linked("c-1", `{"externalId":"u1"}`, "5fc")}},
			events:  []string{traits(`"name":"N"`), traits(`"name":"M"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`PUT c-1 {"name":"N","externalId":"u1","company":"5fc"}`, `PUT c-1 {"name":"M","externalId":"u1","company":"5fc"}`},
		},
		"named by an event": {
			events:  []string{traits(`"company":"5fe"`), traits(`"name":"M"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`POST /v1/customers {"externalId":"u1","company":"5fe"}`, `PUT new {"name":"M","externalId":"u1","company":"5fe"}`},
		},
		"shown by the answer to a write": {
			script:  map[string][]answer{create: {linked("new", `{}`, "5ff")}},
			events:  []string{traits(`"company":"Shop Inc"`), traits(`"name":"M"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`POST /v1/customers {"externalId":"u1","company":"Shop Inc"}`, `PUT new {"name":"M","externalId":"u1","company":"5ff"}`},
		},
		"of a customer that an event names": {
			script:  map[string][]answer{byUser: {linked("c-1", `{"externalId":"u1"}`, "5fc")}},
			events:  []string{traits(`"name":"N"`), named(`"name":"M"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`PUT c-1 {"name":"N","externalId":"u1","company":"5fc"}`, `PUT c-1 {"name":"M","externalId":"u1","company":"5fc"}`},
		},
	})
}

func TestSend_modesOfLists(t *testing.T) {
	desk := map[string][]answer{byUser: {who("c-1", `{"externalId":"u1","name":"N","rev":3,"tags":["vip"]}`)}}
	plays(t, map[string]scene{
		"replace": {
			mode: mapper.ReplaceLists, script: desk, events: []string{traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1"}, writes: []string{`PUT c-1 {"externalId":"u1","tags":["x"]}`},
		},
		"replace, of a customer that the event names": {
			mode: mapper.ReplaceLists, events: []string{named(`"tags":"x"`)},
			writes: []string{`PUT c-1 {"externalId":"u1","tags":["x"]}`},
		},
		"replace, by what is there": {
			mode: mapper.ReplaceLists, script: desk, events: []string{traits(`"tags":"vip"`)},
			lookups: []string{"GET externalId=u1"}, end: "skipped",
		},
		"replace, of a remembered customer": {
			mode: mapper.ReplaceLists, script: desk, events: []string{traits(`"tags":"x"`), traits(`"tags":"y"`), traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{`PUT c-1 {"externalId":"u1","tags":["x"]}`, `PUT c-1 {"externalId":"u1","tags":["y"]}`, `PUT c-1 {"externalId":"u1","tags":["x"]}`},
		},
		"leave": {
			mode: mapper.LeaveLists, script: desk, events: []string{traits(`"tags":"x","name":"M"`)},
			lookups: []string{"GET externalId=u1"}, writes: []string{`PUT c-1 {"name":"M","externalId":"u1"}`},
		},
		"leave, with nothing else": {
			mode: mapper.LeaveLists, script: desk, events: []string{traits(`"tags":"x","name":"N"`)},
			lookups: []string{"GET externalId=u1"}, end: "skipped",
		},
		"leave, of a customer that the event names": {
			mode: mapper.LeaveLists, events: []string{named(`"tags":"x"`)}, writes: []string{`PUT c-1 {"externalId":"u1"}`},
		},
		"leave, and a create": {
			mode: mapper.LeaveLists, events: []string{traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1"}, writes: []string{`POST /v1/customers {"externalId":"u1","tags":["x"]}`},
		},
	})
}

// In one mode an account may be changed by a destination that replaces what another one
// has merged: what it wrote before is no evidence.
func TestSend_replacedListsAreForgotten(t *testing.T) {
	d := &desk{script: map[string][]answer{
		byUser: {who("c-1", `{"externalId":"u1","tags":["a"]}`)}, byID: {who("c-1", `{"externalId":"u1","tags":["b"]}`)},
	}}
	ids := newIDs()
	deliver(t, kustomer.New(ids), d, traits(`"tags":"a","name":"N"`))
	if _, err := kustomer.New(ids).Send(t.Context(), d, mapped(t, traits(`"tags":"b"`), mapper.Config{Lists: mapper.ReplaceLists})); err != nil {
		t.Fatal(err)
	}
	d.calls = nil
	deliver(t, kustomer.New(ids), d, traits(`"tags":"a"`))
	wantCalls(t, d, byID, put("c-1"))
	if got := d.last.Body.Get("tags").JSON(); got != `["b","a"]` {
		t.Errorf("tags %s", got)
	}
}

func TestSend_staleRevisionIsMergedAgain(t *testing.T) {
	shown := func(rev, tags string) answer {
		return who("c-1", `{"externalId":"u1","rev":`+rev+`,"tags":[`+tags+`]}`)
	}
	conflict := answer{http.StatusConflict, ""}
	plays(t, map[string]scene{
		"once": {
			script: map[string][]answer{
				byUser: {shown("1", `"a"`)}, byID: {shown("2", `"a","b"`)}, update: {conflict, {200, ""}},
			},
			events: []string{traits(`"tags":"x"`)}, lookups: []string{"GET externalId=u1", "GET c-1"},
			writes: []string{`PUT c-1 {"externalId":"u1","tags":["a","x"],"rev":1}`, `PUT c-1 {"externalId":"u1","tags":["a","b","x"],"rev":2}`},
		},
		"the other writer had the same to say": {
			script: map[string][]answer{
				byUser: {shown("1", `"a"`)}, byID: {shown("2", `"a","x"`)}, update: {conflict},
			},
			events: []string{traits(`"tags":"x"`)}, lookups: []string{"GET externalId=u1", "GET c-1"},
			writes: []string{`PUT c-1 {"externalId":"u1","tags":["a","x"],"rev":1}`}, end: "skipped",
		},
		"three times, and the fourth is a passing failure": {
			script: map[string][]answer{
				byUser: {shown("1", "")}, byID: {shown("2", ""), shown("3", ""), shown("4", ""), shown("5", "")}, update: {conflict},
			},
			events: []string{traits(`"tags":"x"`)}, lookups: []string{"GET externalId=u1", "GET c-1", "GET c-1", "GET c-1"},
			writes: []string{
				`PUT c-1 {"externalId":"u1","tags":["x"],"rev":1}`, `PUT c-1 {"externalId":"u1","tags":["x"],"rev":2}`,
				`PUT c-1 {"externalId":"u1","tags":["x"],"rev":3}`, `PUT c-1 {"externalId":"u1","tags":["x"],"rev":4}`,
			},
			end: "request exhausted http_409",
		},
		"the same revision is another conflict": {
			script: map[string][]answer{
				byEmail: {who("c-1", `{"rev":1}`)}, byID: {who("c-1", `{"rev":1}`)},
				byUser: {who("c-2", `{"externalId":"u1","rev":9}`)}, update: {conflict},
			},
			events:  []string{traits(`"email":"a@example.test","tags":"x"`)},
			lookups: []string{"GET email=a@example.test", "GET c-1", "GET externalId=u1"},
			writes: []string{
				`PUT c-1 {"externalId":"u1","emails":[{"type":"home","email":"a@example.test"}],"tags":["x"],"rev":1}`,
				`PUT c-2 {"externalId":"u1","tags":["x"],"rev":9}`,
			},
			warnings: []string{"emails"},
		},
		"the event's own revision is its own condition": {
			script: map[string][]answer{byUser: {shown("5", "")}, update: {conflict}},
			events: []string{traits(`"tags":"x","rev":4`)}, lookups: []string{"GET externalId=u1"},
			writes: []string{`PUT c-1 {"externalId":"u1","tags":["x"],"rev":4}`},
			end:    "request rejected http_409",
		},
	})
}

func TestSend_refusedListsAreLeftOut(t *testing.T) {
	desk := linked("c-1", `{"externalId":"u1","name":"N","rev":3,"tags":["a & b"]}`, "5fc")
	refused := answer{http.StatusBadRequest, `{"errors":[{"code":"bad_request"}]}`}
	plays(t, map[string]scene{
		"the rest goes out": {
			script: map[string][]answer{byUser: {desk}, update: {refused, {200, ""}}},
			events: []string{traits(`"tags":"x","name":"M"`)}, lookups: []string{"GET externalId=u1"},
			writes: []string{
				`PUT c-1 {"name":"M","externalId":"u1","tags":["a & b","x"],"company":"5fc","rev":3}`,
				`PUT c-1 {"name":"M","externalId":"u1","company":"5fc"}`,
			},
			warnings: []string{"lists: left out"},
		},
		"the rest is refused too": {
			script: map[string][]answer{byUser: {desk}, update: {refused}},
			events: []string{traits(`"tags":"x","name":"M"`)}, lookups: []string{"GET externalId=u1"},
			writes: []string{
				`PUT c-1 {"name":"M","externalId":"u1","tags":["a & b","x"],"company":"5fc","rev":3}`,
				`PUT c-1 {"name":"M","externalId":"u1","company":"5fc"}`,
			},
			warnings: []string{"lists: left out"}, end: "request rejected http_400",
		},
		"without a list it is what it says": {
			script: map[string][]answer{byUser: {desk}, update: {refused}},
			events: []string{traits(`"name":"M"`)}, lookups: []string{"GET externalId=u1"},
			writes: []string{`PUT c-1 {"name":"M","externalId":"u1","company":"5fc"}`},
			end:    "request rejected http_400",
		},
		"a list that replaces is what it says": {
			mode:   mapper.ReplaceLists,
			script: map[string][]answer{byUser: {desk}, update: {refused}},
			events: []string{traits(`"tags":"x"`)}, lookups: []string{"GET externalId=u1"},
			writes: []string{`PUT c-1 {"externalId":"u1","tags":["x"],"company":"5fc"}`},
			end:    "request rejected http_400",
		},
		"a refused list is not remembered": {
			script: map[string][]answer{byUser: {desk}, update: {refused, {200, ""}}, byID: {desk}},
			events: []string{traits(`"tags":"x","name":"M"`), traits(`"tags":"x"`)}, lookups: []string{"GET externalId=u1", "GET c-1"},
			writes: []string{
				`PUT c-1 {"name":"M","externalId":"u1","tags":["a & b","x"],"company":"5fc","rev":3}`,
				`PUT c-1 {"name":"M","externalId":"u1","company":"5fc"}`,
				`PUT c-1 {"externalId":"u1","tags":["a & b","x"],"company":"5fc","rev":3}`,
			},
		},
	})
}

func TestSend_planReadsAndSendsNothing(t *testing.T) {
	d := &desk{plan: true}
	deliver(t, kustomer.New(newIDs()), d, named(`"tags":"x"`))
	wantCalls(t, d, byID, put("c-1"))
	answered := sink.DoerFunc(func(ctx context.Context, call sink.Call) (sink.Reply, error) {
		if call.Lookup {
			return sink.Reply{Status: 200, Body: []byte(`{"data":{"id":"c-1","attributes":{"tags":["a"]}}}`)}, nil
		}
		return d.Do(ctx, call)
	})
	deliver(t, kustomer.New(newIDs()), answered, named(`"tags":"x"`))
	if got := d.last.Body.Get("tags").JSON(); got != `["a","x"]` {
		t.Errorf("planned tags %s", got)
	}
}
