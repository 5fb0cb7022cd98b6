package kustomer_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/kustomer"
	"github.com/deskstream/deskstream/sink/sinktest"
)

var (
	taken   = answer{http.StatusConflict, `{"errors":[{"code":"conflict"}]}`}
	badly   = answer{http.StatusBadRequest, `{"errors":[{"code":"bad_request"}]}`}
	fine    = answer{http.StatusOK, ""}
	nobody  = answer{http.StatusNotFound, ""}
	byA     = "GET /v1/customers/email=a@shop.test"
	byB     = "GET /v1/customers/email=b@shop.test"
	byPhone = "GET /v1/customers/phone=%2B3161"
)

// home is a list of one entry.
func home(list, member, value string) string {
	return `"` + list + `":[{"type":"home","` + member + `":"` + value + `"}]`
}

func TestSend_conflictFindsWhoTheEventIsAbout(t *testing.T) {
	a, b, phone := home("emails", "email", "a@shop.test"), home("emails", "email", "b@shop.test"), home("phones", "phone", "+3161")
	both := `"emails":[{"type":"home","email":"a@shop.test"},{"type":"home","email":"b@shop.test"}]`
	plays(t, map[string]scene{
		"the external id before all": {
			script: map[string][]answer{
				byA: {who("c-1", `{`+a+`}`)}, byUser: {who("c-2", `{"externalId":"u1"}`)}, byPhone: {who("c-3", `{`+phone+`}`)},
				update: {taken},
			},
			events:  []string{traits(`"email":"a@shop.test","phone":"+3161","tags":"x"`)},
			lookups: []string{"GET email=a@shop.test", "GET externalId=u1", "GET phone=%2B3161"},
			writes: []string{
				`PUT c-1 {"externalId":"u1",` + phone + `,"tags":["x"]}`, `PUT c-2 {"externalId":"u1","tags":["x"]}`,
			},
			warnings: []string{"emails: 1", "phones: 1"},
		},
		"the anonymous id before an address": {
			script: map[string][]answer{
				create: {taken}, byAnon: {nobody, who("c-2", `{"externalId":"an"}`)}, byA: {nobody, who("c-1", `{`+a+`}`)},
			},
			events: []string{`{"type":"identify","userId":"u1","anonymousId":"an","traits":{"email":"a@shop.test","name":"N"}}`},
			lookups: []string{
				"GET email=a@shop.test", "GET externalId=u1", "GET externalId=an",
				"GET externalId=u1", "GET externalId=an", "GET email=a@shop.test",
			},
			writes: []string{
				`POST /v1/customers {"name":"N","externalId":"u1",` + a + `}`, `PUT c-2 {"name":"N","externalId":"u1"}`,
			},
			warnings: []string{"emails"},
		},
		"the first address whoever has it": {
			script: map[string][]answer{
				create: {taken}, byA: {nobody, who("c-1", `{"externalId":"u9",`+a+`}`)}, byPhone: {who("c-3", `{`+phone+`}`)},
			},
			events: []string{traits(`"email":"a@shop.test","phone":"+3161","name":"N"`)},
			lookups: []string{
				"GET email=a@shop.test", "GET externalId=u1", "GET externalId=u1", "GET email=a@shop.test", "GET phone=%2B3161",
			},
			writes: []string{
				`POST /v1/customers {"name":"N","externalId":"u1",` + a + `,` + phone + `}`, `PUT c-1 {"name":"N"}`,
			},
			warnings: []string{"externalId", "phones"},
		},
		"a further address before a phone": {
			script: map[string][]answer{
				create: {taken}, byB: {who("c-1", `{`+b+`}`)}, byPhone: {who("c-3", `{`+phone+`}`)},
			},
			events:  []string{traits(`"emails":["a@shop.test","b@shop.test"],"phone":"+3161"`)},
			lookups: []string{"GET externalId=u1", "GET externalId=u1", "GET email=a@shop.test", "GET email=b@shop.test", "GET phone=%2B3161"},
			writes: []string{
				`POST /v1/customers {"externalId":"u1",` + both + `,` + phone + `}`,
				`PUT c-1 {"externalId":"u1","emails":[{"type":"home","email":"b@shop.test"},{"type":"home","email":"a@shop.test"}]}`,
			},
			warnings: []string{"phones"},
		},
		"a further address of another person is passed over": {
			script: map[string][]answer{
				create: {taken}, byB: {who("c-1", `{"externalId":"u9",`+b+`}`)}, byPhone: {who("c-3", `{"externalId":"",`+phone+`}`)},
			},
			events:  []string{traits(`"emails":["a@shop.test","b@shop.test"],"phone":"+3161"`)},
			lookups: []string{"GET externalId=u1", "GET externalId=u1", "GET email=a@shop.test", "GET email=b@shop.test", "GET phone=%2B3161"},
			writes: []string{
				`POST /v1/customers {"externalId":"u1",` + both + `,` + phone + `}`, `PUT c-3 {"externalId":"u1",` + a + `}`,
			},
			warnings: []string{"emails"},
		},
		"a phone of one who has the anonymous id": {
			script: map[string][]answer{create: {taken}, byPhone: {who("c-3", `{"externalId":"an",`+phone+`}`)}},
			events: []string{`{"type":"identify","userId":"u1","anonymousId":"an","traits":{"phone":"+3161"}}`},
			lookups: []string{
				"GET externalId=u1", "GET externalId=an", "GET externalId=u1", "GET externalId=an", "GET phone=%2B3161",
			},
			writes: []string{`POST /v1/customers {"externalId":"u1",` + phone + `}`, `PUT c-3 {"externalId":"u1"}`},
		},
		"only other persons": {
			script: map[string][]answer{
				create:  {taken, {201, `{"data":{"id":"new"}}`}},
				byPhone: {who("c-3", `{"externalId":"u9",`+phone+`,"whatsapps":[{"phone":"+31 62"}]}`)},
			},
			events:  []string{traits(`"phone":"+3161","whatsapps":["+3162","+3163"],"name":"N"`)},
			lookups: []string{"GET externalId=u1", "GET externalId=u1", "GET phone=%2B3161"},
			writes: []string{
				`POST /v1/customers {"name":"N","externalId":"u1",` + phone + `,"whatsapps":[{"phone":"+3162"},{"phone":"+3163"}]}`,
				`POST /v1/customers {"name":"N","externalId":"u1","whatsapps":[{"phone":"+3163"}]}`,
			},
			warnings: []string{"phones: 1", "whatsapps: 1"},
		},
		"only other persons, and an update": {
			script: map[string][]answer{
				byUser: {who("c-1", `{"externalId":"u1"}`)}, byPhone: {who("c-3", `{"externalId":"u9"}`)}, update: {taken, fine},
			},
			events:  []string{traits(`"phone":"+3161","name":"N"`)},
			lookups: []string{"GET externalId=u1", "GET phone=%2B3161"},
			writes: []string{
				`PUT c-1 {"name":"N","externalId":"u1",` + phone + `}`, `PUT c-1 {"name":"N","externalId":"u1"}`,
			},
			warnings: []string{"phones"},
		},
		"a remembered customer is no lookup": {
			script: map[string][]answer{
				byUser: {who("c-1", `{"externalId":"u1"}`), who("c-2", `{"externalId":"u1"}`)}, update: {fine, taken},
			},
			events:  []string{traits(`"name":"N"`), traits(`"name":"M"`)},
			lookups: []string{"GET externalId=u1", "GET externalId=u1"},
			writes: []string{
				`PUT c-1 {"name":"N","externalId":"u1"}`, `PUT c-1 {"name":"M","externalId":"u1"}`, `PUT c-2 {"name":"M","externalId":"u1"}`,
			},
		},
		"a 400 with a holder": {
			script: map[string][]answer{
				byA: {who("c-1", `{`+a+`}`)}, byUser: {who("c-2", `{"externalId":"u1"}`)}, update: {badly},
			},
			events:  []string{traits(`"email":"a@shop.test","name":"N"`)},
			lookups: []string{"GET email=a@shop.test", "GET externalId=u1"},
			writes:  []string{`PUT c-1 {"name":"N","externalId":"u1"}`, `PUT c-2 {"name":"N","externalId":"u1"}`}, warnings: []string{"emails"},
		},
		"a 400 without a holder": {
			script:  map[string][]answer{create: {badly}},
			events:  []string{traits(`"phone":"+3161"`)},
			lookups: []string{"GET externalId=u1", "GET externalId=u1", "GET phone=%2B3161"},
			writes:  []string{`POST /v1/customers {"externalId":"u1",` + phone + `}`}, end: "request rejected http_400",
		},
		"a second 409": {
			script: map[string][]answer{create: {taken}, byPhone: {who("c-3", `{"externalId":"u9"}`)}},
			events: []string{traits(`"phone":"+3161"`)}, lookups: []string{"GET externalId=u1", "GET externalId=u1", "GET phone=%2B3161"},
			writes:   []string{`POST /v1/customers {"externalId":"u1",` + phone + `}`, `POST /v1/customers {"externalId":"u1"}`},
			warnings: []string{"phones"}, end: "request rejected http_409",
		},
		"nobody": {
			script: map[string][]answer{create: {taken}}, events: []string{traits(`"phone":"+3161"`)},
			lookups: []string{"GET externalId=u1", "GET externalId=u1", "GET phone=%2B3161"},
			writes:  []string{`POST /v1/customers {"externalId":"u1",` + phone + `}`}, end: "request exhausted http_409",
		},
		"nobody but the customer itself": {
			script: map[string][]answer{byUser: {who("c-1", `{"externalId":"u1"}`)}, byPhone: {who("c-1", `{}`)}, update: {taken}},
			events: []string{traits(`"phone":"+3161"`)}, lookups: []string{"GET externalId=u1", "GET phone=%2B3161"},
			writes: []string{`PUT c-1 {"externalId":"u1",` + phone + `}`}, end: "request exhausted http_409",
		},
		"who has nothing that was sent is nobody": {
			script: map[string][]answer{
				byUser: {who("c-1", `{"externalId":"u1"}`)}, byAnon: {who("c-8", `{"externalId":"an"}`)}, update: {taken},
			},
			events:  []string{`{"type":"identify","userId":"u1","anonymousId":"an","traits":{"name":"N"}}`},
			lookups: []string{"GET externalId=u1", "GET externalId=an"},
			writes:  []string{`PUT c-1 {"name":"N","externalId":"u1"}`}, end: "request exhausted http_409",
		},
	})
}

func TestSend_conflictOfANamedCustomerKeepsIt(t *testing.T) {
	a, phone := home("emails", "email", "a@shop.test"), home("phones", "phone", "+3161")
	plays(t, map[string]scene{
		"what others have is left out": {
			script: map[string][]answer{
				byID: {who("c-1", `{"emails":[],"phones":[]}`)}, byUser: {who("c-2", `{"externalId":"u1"}`)},
				byA: {who("c-3", `{"externalId":"u3"}`)}, update: {taken, fine},
			},
			events:  []string{named(`"name":"N","email":"a@shop.test","phone":"+3161"`)},
			lookups: []string{"GET c-1", "GET externalId=u1", "GET email=a@shop.test", "GET phone=%2B3161"},
			writes:  []string{`PUT c-1 {"name":"N","externalId":"u1",` + a + `,` + phone + `}`, `PUT c-1 {"name":"N",` + phone + `}`},
			warnings: []string{
				"externalId: left out", "emails: 1",
			},
		},
		"it has another external id": {
			script: map[string][]answer{
				byID: {who("c-1", `{"externalId":"u7"}`)}, byPhone: {who("c-3", `{}`)}, update: {taken, fine},
			},
			events:   []string{named(`"name":"N","phone":"+3161"`)},
			lookups:  []string{"GET c-1", "GET externalId=u1", "GET phone=%2B3161"},
			writes:   []string{`PUT c-1 {"name":"N","externalId":"u1",` + phone + `}`, `PUT c-1 {"name":"N"}`},
			warnings: []string{"externalId: left out", "phones: 1"},
		},
		"nothing is left": {
			script:   map[string][]answer{byUser: {who("c-2", `{"externalId":"u1"}`)}, update: {taken}},
			events:   []string{named(``)},
			lookups:  []string{"GET externalId=u1"},
			writes:   []string{`PUT c-1 {"externalId":"u1"}`},
			warnings: []string{"externalId: left out"}, end: "skipped",
		},
		"lists that are left need no warning": {
			mode: mapper.LeaveLists,
			script: map[string][]answer{
				byUser: {who("c-2", `{"externalId":"u1"}`)}, byA: {who("c-3", `{}`)}, update: {taken, fine},
			},
			events:   []string{named(`"name":"N","email":"a@shop.test"`)},
			lookups:  []string{"GET externalId=u1", "GET email=a@shop.test"},
			writes:   []string{`PUT c-1 {"name":"N","externalId":"u1"}`, `PUT c-1 {"name":"N"}`},
			warnings: []string{"externalId: left out"},
		},
	})
}

// An event has an external id today, or names its customer. Without one a create that
// has no address left would make a customer whom nobody finds again.
func TestSend_createThatHasNothingLeftUpdatesWhoWasPassedOver(t *testing.T) {
	d := &desk{script: map[string][]answer{create: {taken}, byPhone: {who("c-3", `{"externalId":"u9"}`)}}}
	m := mapper.Message{Steps: []mapper.Step{mapper.Upsert{Customer: mapping.Obj(
		mapping.Member{Name: "name", Value: mapping.Str("N")},
		mapping.Member{Name: "phones", Value: mapping.Arr(mapping.Obj(mapping.Member{Name: "phone", Value: mapping.Str("+3161")}))},
	)}}}
	if _, err := kustomer.New(newIDs()).Send(t.Context(), d, m); err != nil {
		t.Fatal(err)
	}
	wantCalls(t, d, create, byPhone, put("c-3"))
}

func TestSend_leftOutIDOwnsNobody(t *testing.T) {
	d := &desk{script: map[string][]answer{
		create: {taken}, byA: {nobody, who("c-1", `{"externalId":"u9"}`)}, byPhone: {who("c-3", `{}`)},
	}}
	c := kustomer.New(newIDs())
	deliver(t, c, d, traits(`"email":"a@shop.test","phone":"+3161"`))
	d.calls = nil
	deliver(t, c, d, `{"type":"identify","userId":"u9","traits":{"email":"a@shop.test"}}`)
	wantCalls(t, d, put("c-1")) // it is u9's as before
	deliver(t, c, d, traits(`"email":"a@shop.test"`))
	wantCalls(t, d, byA, put("c-1")) // and not u1's without a lookup
}

// A conflict that ends with the event's patience is no failure.
func TestSend_interruptedConflictIsNoFailure(t *testing.T) {
	d := &desk{script: map[string][]answer{create: {taken}}}
	stopped := sinktest.DoerFunc(func(ctx context.Context, call sink.Call) (sink.Reply, error) {
		if call.Lookup && len(d.bodies) > 0 {
			return sink.Reply{}, sink.ErrInterrupted
		}
		return d.Do(ctx, call)
	})
	if _, err := kustomer.New(newIDs()).Send(t.Context(), stopped, message(t, traits(`"name":"N"`))); err != sink.ErrInterrupted { //nolint:errorlint // it must be the very error
		t.Errorf("error %v, want ErrInterrupted", err)
	}
}
