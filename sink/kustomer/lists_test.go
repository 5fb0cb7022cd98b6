package kustomer_test

import (
	"context"
	"testing"

	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/kustomer"
	"github.com/deskstream/deskstream/sink/sinktest"
)

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

func TestSend_planReadsAndSendsNothing(t *testing.T) {
	d := &desk{plan: true}
	deliver(t, kustomer.New(newIDs()), d, named(`"tags":"x"`))
	wantCalls(t, d, byID, put("c-1"))
	answered := sinktest.DoerFunc(func(ctx context.Context, call sink.Call) (sink.Reply, error) {
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
