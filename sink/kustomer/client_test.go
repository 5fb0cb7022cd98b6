package kustomer_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/kustomer"
	"github.com/deskstream/deskstream/sink/sinktest"
)

const (
	byEmail = "GET /v1/customers/email=a@example.test"
	byUser  = "GET /v1/customers/externalId=u1"
	byAnon  = "GET /v1/customers/externalId=an"
	create  = "POST /v1/customers"
)

func put(id string) string { return "PUT /v1/customers/" + id + "?replace=false" }

func wantCalls(t *testing.T, d *desk, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, d.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	d.calls = nil
}

func wantFailure(t *testing.T, err error, stage sink.Stage, code mapping.Code) {
	t.Helper()
	if f, ok := errors.AsType[*sink.Failure](err); !ok || f.Stage != stage || f.Code != code {
		t.Errorf("error %v, want %s at %s", err, code, stage)
	}
}

func TestSend_looksUpInOrderAndStopsAtTheFirstHit(t *testing.T) {
	event := identify("u1", "an", "a@example.test", "A")
	for _, c := range []struct {
		script map[string][]answer
		want   []string
		id     string
	}{
		{map[string][]answer{byEmail: {found("c-1")}}, []string{byEmail, put("c-1")}, "c-1"},
		{map[string][]answer{byUser: {found("c-2")}}, []string{byEmail, byUser, put("c-2")}, "c-2"},
		{map[string][]answer{byAnon: {found("c-3")}}, []string{byEmail, byUser, byAnon, put("c-3")}, "c-3"},
		{nil, []string{byEmail, byUser, byAnon, create}, "new"},
		{map[string][]answer{byEmail: {{201, `{"data":{"id":77}}`}}}, []string{byEmail, put("77")}, "77"},
	} {
		d := &desk{script: c.script}
		receipt := deliver(t, kustomer.New(newIDs()), d, event)
		wantCalls(t, d, c.want...)
		if diff := cmp.Diff(map[string]string{"customer_id": c.id}, receipt.IDs); diff != "" {
			t.Errorf("ids (-want +got):\n%s", diff)
		}
		if got := d.last.Body.Get("externalId").Str(); got != "u1" || d.last.Unrepeatable {
			t.Errorf("last call %+v", d.last)
		}
	}
}

func TestSend_escapesWhatItLooksUp(t *testing.T) {
	d := &desk{}
	deliver(t, kustomer.New(newIDs()), d, identify("org/7?x#y z%", "a=b@c+d", "a b+c/d?e#f@example.test", "A"))
	wantCalls(t, d, "GET /v1/customers/email=a%20b%2Bc%2Fd%3Fe%23f@example.test",
		"GET /v1/customers/externalId=org%2F7%3Fx%23y%20z%25", "GET /v1/customers/externalId=a=b@c%2Bd", create)
}

func TestSend_kustomerIDNeedsNoLookup(t *testing.T) {
	d := &desk{}
	receipt := deliver(t, kustomer.New(newIDs()), d, `{"type":"identify","traits":{"name":"A"},"context":{"externalId":[{"type":"kustomerId","id":"5 f"}]}}`)
	wantCalls(t, d, put("5%20f"))
	if receipt.IDs["customer_id"] != "5 f" {
		t.Errorf("ids %v", receipt.IDs)
	}
}

func TestSend_lookupAnswersWithoutACustomerAreMalformed(t *testing.T) {
	for _, a := range []answer{
		{200, `{"data":{"type":"customer"}}`},
		{200, `{"data":[{"id":"c1"}]}`},
		{204, ``},
		{200, `<html>`},
		{200, `{"data":{"id":".."}}`},
		{200, `{"data":{"id":"a/b"}}`},
		{200, `{"data":{"id":{"x":1}}}`},
		{200, `{"data":{"id":0}}`},
		{200, `{"data":{"id":"` + strings.Repeat("c", sink.MaxID+1) + `"}}`},
	} {
		d := &desk{script: map[string][]answer{byUser: {a}}}
		_, err := kustomer.New(newIDs()).Send(t.Context(), d, message(t, identify("u1", "", "", "A")))
		wantFailure(t, err, sink.StageLookup, sink.BadAnswer)
	}
}

func TestSend_lookupFailureEndsTheEvent(t *testing.T) {
	for _, status := range []int{400, 409, 410, 422} {
		d := &desk{script: map[string][]answer{byEmail: {{status, ``}}}}
		_, err := kustomer.New(newIDs()).Send(t.Context(), d, message(t, identify("u1", "", "a@example.test", "A")))
		wantFailure(t, err, sink.StageLookup, sink.HTTPCode(status))
		wantCalls(t, d, byEmail)
	}
}

func TestSend_duplicateCreateBecomesAnUpdate(t *testing.T) {
	event := identify("u1", "", "a@example.test", "A")
	t.Run("found by the second lookup", func(t *testing.T) {
		d := &desk{script: map[string][]answer{create: {{409, ``}}, byUser: {{404, ``}, found("c-7")}}}
		receipt := deliver(t, kustomer.New(newIDs()), d, event)
		wantCalls(t, d, byEmail, byUser, create, byUser, byEmail, put("c-7"))
		if receipt.IDs["customer_id"] != "c-7" {
			t.Errorf("ids %v", receipt.IDs)
		}
	})
	t.Run("updated though all is there", func(t *testing.T) {
		full := answer{200, `{"data":{"id":"c-7","attributes":{"name":"A","externalId":"u1","emails":[{"type":"home","email":"a@example.test"}]}}}`}
		d := &desk{script: map[string][]answer{create: {{409, ``}}, byEmail: {{404, ``}, full}}}
		deliver(t, kustomer.New(newIDs()), d, event)
		wantCalls(t, d, byEmail, byUser, create, byUser, byEmail, put("c-7"))
	})
	t.Run("second conflict", func(t *testing.T) {
		d := &desk{script: map[string][]answer{create: {{409, ``}}, byEmail: {{404, ``}, found("c-7")}, "PUT /v1/customers/c-7": {{409, ``}}}}
		_, err := kustomer.New(newIDs()).Send(t.Context(), d, message(t, event))
		wantFailure(t, err, sink.StageRequest, "http_409")
	})
	t.Run("found by no lookup", func(t *testing.T) {
		d := &desk{script: map[string][]answer{create: {{409, ``}}}}
		_, err := kustomer.New(newIDs()).Send(t.Context(), d, message(t, event))
		wantFailure(t, err, sink.StageRequest, "http_409")
		wantCalls(t, d, byEmail, byUser, create, byUser, byEmail)
	})
}

func TestSend_conflictOfAnUpdateIsFinal(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {found("c-1")}, "PUT /v1/customers/c-1": {{409, ``}}}}
	_, err := kustomer.New(newIDs()).Send(t.Context(), d, message(t, identify("u1", "", "", "A")))
	wantFailure(t, err, sink.StageRequest, "http_409")
	wantCalls(t, d, byUser, put("c-1"))
}

func TestSend_goneCustomerOfAFreshLookupIsFinal(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {found("c-1")}, "PUT /v1/customers/c-1": {{404, ``}}}}
	_, err := kustomer.New(newIDs()).Send(t.Context(), d, message(t, identify("u1", "", "", "A")))
	wantFailure(t, err, sink.StageRequest, "http_404")
}

func TestSend_createWithoutAnIDIsAWarning(t *testing.T) {
	for _, body := range []string{``, `{}`, `{"data":{"id":null}}`, `{"data":{"id":".."}}`} {
		d := &desk{script: map[string][]answer{create: {{201, body}}}}
		c := kustomer.New(newIDs())
		receipt := deliver(t, c, d, identify("u1", "", "", "A"))
		if len(receipt.IDs) != 0 || len(receipt.Warnings) != 1 {
			t.Errorf("answer %q: receipt %+v", body, receipt)
		}
		d.calls = nil
		deliver(t, c, d, identify("u1", "", "", "B"))
		wantCalls(t, d, byUser, create)
	}
}

func TestSend_updateNeedsNoBody(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {found("c-1")}, "PUT /v1/customers/c-1": {{204, ``}}}}
	receipt := deliver(t, kustomer.New(newIDs()), d, identify("u1", "", "", "A"))
	if receipt.IDs["customer_id"] != "c-1" || len(receipt.Warnings) != 0 {
		t.Errorf("receipt %+v", receipt)
	}
}

func TestSend_track(t *testing.T) {
	const post = "POST /v1/tracking/identityEvent"
	for _, c := range []struct {
		body string
		want map[string]string
		warn int
	}{
		{
			`{"data":{"id":"t-1","attributes":{"trackingId":"trk"},"relationships":{"customer":{"data":{"id":"c-1"}}}}}`,
			map[string]string{"identity_id": "t-1", "tracking_id": "trk", "customer_id": "c-1"},
			0,
		},
		{`{"data":{"id":12345678901234567890}}`, map[string]string{"identity_id": "12345678901234567890"}, 0},
		{``, map[string]string{}, 1},
		{`{"data":[]}`, map[string]string{}, 1},
	} {
		d := &desk{script: map[string][]answer{post: {{201, c.body}}}}
		receipt := deliver(t, kustomer.New(newIDs()), d, `{"type":"track","event":"Ping","userId":"u1"}`)
		wantCalls(t, d, post)
		if diff := cmp.Diff(c.want, receipt.IDs); diff != "" || len(receipt.Warnings) != c.warn {
			t.Errorf("answer %s: warnings %q, ids (-want +got):\n%s", c.body, receipt.Warnings, diff)
		}
		if !d.last.Unrepeatable || d.last.Op != post {
			t.Errorf("call %+v", d.last)
		}
	}
}

func TestSend_errorOfTheDoerIsReturnedAsItIs(t *testing.T) {
	for _, event := range []string{identify("u1", "", "", "A"), `{"type":"track","event":"E","userId":"u1"}`} {
		broken := sinktest.DoerFunc(func(context.Context, sink.Call) (sink.Reply, error) { return sink.Reply{}, sink.ErrInterrupted })
		_, err := kustomer.New(newIDs()).Send(t.Context(), broken, message(t, event))
		if err != sink.ErrInterrupted { //nolint:errorlint // it must be the very error
			t.Errorf("error %v, want %v", err, sink.ErrInterrupted)
		}
	}
}

func TestSend_keepsTheWarningsOfTheMapping(t *testing.T) {
	receipt := deliver(t, kustomer.New(newIDs()), &desk{}, `{"type":"identify","userId":"u1","traits":{"gender":"x"}}`)
	if len(receipt.Warnings) != 1 || !strings.Contains(receipt.Warnings[0], "gender") {
		t.Errorf("warnings %q", receipt.Warnings)
	}
}

func TestSend_planWithoutLookupsShowsAllOfThem(t *testing.T) {
	c := kustomer.New(newIDs())
	d := &desk{plan: true}
	for range 2 {
		receipt := deliver(t, c, d, identify("u1", "an", "a@example.test", "A"))
		wantCalls(t, d, byEmail, byUser, byAnon, create)
		if len(receipt.IDs)+len(receipt.Warnings) != 0 {
			t.Errorf("receipt %+v", receipt)
		}
	}
	deliver(t, c, d, `{"type":"track","event":"E","userId":"u1"}`)
	wantCalls(t, d, "POST /v1/tracking/identityEvent")
}

func TestSend_planRemembersNoWrite(t *testing.T) {
	ids := newIDs()
	planned := &desk{plan: true}
	deliver(t, kustomer.New(ids), planned, `{"type":"identify","userId":"u1","context":{"externalId":[{"type":"kustomerId","id":"5f"}]}}`)
	wantCalls(t, planned, put("5f"))
	if owner, ok := ids.Get("customer=5f"); ok {
		t.Errorf("customer 5f is remembered as %s's", owner)
	}
}

func TestSend_templatesHoldNothingOfTheEvent(t *testing.T) {
	want := []string{
		"GET /v1/customers/email={email}", "GET /v1/customers/externalId={id}", "GET /v1/customers/phone={phone}",
		"GET /v1/customers/{id}", "POST /v1/customers", "PUT /v1/customers/{id}", "POST /v1/tracking/identityEvent",
	}
	used := map[string]bool{}
	d := &account{customers: []*person{{id: "c1", fields: map[string]mapping.Value{
		"externalId": mapping.Str("u1"), "phones": mapping.Arr(mapping.Obj(mapping.Member{Name: "phone", Value: mapping.Str("+3161")})),
	}}}}
	for _, event := range []string{
		identify("u1", "", "b@example.test", "A"), identify("u2", "", "", "A"), `{"type":"page","userId":"u1"}`,
		`{"type":"identify","userId":"u3","traits":{"phone":"+3161"},"context":{"externalId":[{"type":"kustomerId","id":"c1"}]}}`,
		`{"type":"identify","userId":"u4","traits":{"phone":"+3161"}}`,
	} {
		_, err := kustomer.New(newIDs()).Send(t.Context(), sinktest.DoerFunc(func(ctx context.Context, call sink.Call) (sink.Reply, error) {
			if !slices.Contains(want, call.Op) || !strings.HasPrefix(call.Op, call.Method+" ") {
				t.Errorf("template %q of %s", call.Op, call.Path)
			}
			used[call.Op] = true
			if call.Path == "/v1/tracking/identityEvent" {
				return sink.Reply{Status: 204}, nil
			}
			return d.Do(ctx, call)
		}), message(t, event))
		if err != nil {
			t.Errorf("sending %s: %v", event, err)
		}
	}
	if len(used) != len(want) {
		t.Errorf("templates %q used, want all of %q", slices.Sorted(maps.Keys(used)), want)
	}
}

func FuzzCall(f *testing.F) {
	f.Add("a b+c/d?e#f@example.test", "org/7?x#y z%", "%2e%2e", "c 1?#%2f")
	f.Add("a@example.test", "../../v1/users", "an", "c-1")
	f.Add("a@b/../c", "?replace=true&x=1", "//evil.test", "..")
	f.Add("@", "u1;v", "a\\b", "a/b")
	f.Fuzz(func(t *testing.T, email, user, anonymous, id string) {
		event := mapping.Obj(
			mapping.Member{Name: "type", Value: mapping.Str("identify")},
			mapping.Member{Name: "userId", Value: mapping.Str(user)},
			mapping.Member{Name: "anonymousId", Value: mapping.Str(anonymous)},
			mapping.Member{Name: "traits", Value: mapping.Obj(mapping.Member{Name: "email", Value: mapping.Str(email)})},
		)
		ev, err := mapping.Decode([]byte(event.JSON()))
		if err != nil {
			t.Skip()
		}
		m, err := mapper.New(mapper.Config{}).Map(ev)
		if err != nil {
			t.Skip()
		}
		lookups := 0
		do := sinktest.DoerFunc(func(_ context.Context, call sink.Call) (sink.Reply, error) {
			wantSafe(t, call)
			reply := sink.Reply{Status: 404}
			if lookups++; !call.Lookup || lookups > 1 {
				reply = sink.Reply{Status: 200, Body: []byte(mapping.Obj(mapping.Member{
					Name:  "data",
					Value: mapping.Obj(mapping.Member{Name: "id", Value: mapping.Str(id)}),
				}).JSON())}
			}
			return judged(call, reply)
		})
		if _, err := kustomer.New(newIDs()).Send(t.Context(), do, m); err != nil {
			if _, ok := errors.AsType[*sink.Failure](err); !ok {
				t.Errorf("error %v", err)
			}
		}
	})
}

// wantSafe checks that a call goes where its template says.
func wantSafe(t *testing.T, call sink.Call) {
	t.Helper()
	target := "https://api.example.test" + call.Path
	if call.Query != "" {
		target += "?" + call.Query
	}
	u, err := url.Parse(target)
	if err != nil || u.Host != "api.example.test" || u.Fragment != "" {
		t.Fatalf("call %s %s leaves the host: %v", call.Method, target, err)
	}
	if u.JoinPath().EscapedPath() != u.EscapedPath() {
		t.Errorf("path %s is not clean", u.EscapedPath())
	}
	template, path := strings.Split(call.Op, "/"), strings.Split(call.Method+" "+u.EscapedPath(), "/")
	if len(template) != len(path) {
		t.Fatalf("path %s does not fit %s", u.EscapedPath(), call.Op)
	}
	for i := range template {
		fixed, _, _ := strings.Cut(template[i], "{")
		if !strings.HasPrefix(path[i], fixed) || fixed == template[i] && path[i] != fixed {
			t.Errorf("path %s does not fit %s", u.EscapedPath(), call.Op)
		}
	}
	wantQuery := ""
	if call.Method == http.MethodPut {
		wantQuery = "replace=false"
	}
	if u.RawQuery != wantQuery {
		t.Errorf("query %q, want %q", u.RawQuery, wantQuery)
	}
}
