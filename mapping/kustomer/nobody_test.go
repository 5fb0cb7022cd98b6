package kustomer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
)

func TestMap_idsAreWholeNumbersOrText(t *testing.T) {
	for members, want := range map[string]string{
		`"userId":12345`:                            "12345",
		`"userId":12345.0`:                          "12345",
		`"userId":1.2345e4`:                         "12345",
		`"userId":12345678901234567890.0`:           "12345678901234567890",
		`"userId":"12345.0"`:                        "12345.0",
		`"userId":" u1 "`:                           " u1 ",
		`"anonymousId":7E0`:                         "7",
		`"context":{"traits":{"id":7.0}}`:           "7",
		`"userId":12345.5,"anonymousId":"an-1"`:     "an-1",
		`"userId":1e256,"anonymousId":"an-1"`:       "an-1",
		`"userId":0.5,"traits":{"userId":"t1"}`:     "t1",
		`"userId":0,"traits":{"id":0.0,"userId":2}`: "2",
	} {
		step, _ := oneStep[kustomer.Upsert](t, kustomer.Config{}, `{"type":"identify",`+members+`}`)
		if got := step.Customer.Get("externalId").Str(); got != want || step.ExternalIDs[0] != want {
			t.Errorf("externalId of %s is %q, ids %q, want %q", members, got, step.ExternalIDs, want)
		}
		track, _ := oneStep[kustomer.Track](t, kustomer.Config{}, `{"type":"track","event":"E",`+members+`}`)
		if got := track.Body.Get("identity", "externalId").Str(); got != want {
			t.Errorf("externalId of a track of %s is %q, want %q", members, got, want)
		}
	}
}

func TestMap_aNumberThatIsNoIDWithNoOtherID(t *testing.T) {
	for _, members := range []string{
		`"userId":12345.5`,
		`"userId":` + strings.Repeat("9", 257),
		`"userId":1e400`,
		`"anonymousId":0.5`,
		`"traits":{"id":1.5}`,
		`"userId":"undefined","anonymousId":1.5`,
		`"userId":1.5,"anonymousId":0`,
	} {
		for _, typ := range []string{`"type":"identify",`, `"type":"track","event":"E",`, `"type":"page",`} {
			event := `{` + typ + members + `}`
			_, err := mapped(t, kustomer.Config{}, []byte(event))
			wantCode(t, event, err, mapping.InvalidID)
		}
	}
	event := `{"type":"identify","context":{"externalId":{"type":"kustomerId","id":5.5}}}`
	_, err := mapped(t, kustomer.Config{}, []byte(event))
	wantCode(t, event, err, mapping.InvalidID)
	// An address tells the customer of a tracking event too.
	wantBody(t, kustomer.Config{SetIdentityEmail: true}, `{"type":"track","event":"E","userId":1.5,"traits":{"email":"a@example.test"}}`,
		`{"identity":{"email":"a@example.test"},"event":{"name":"E"}}`, "")
}

func TestMap_wordsThatMeanNobodyAreNoIDs(t *testing.T) {
	for _, c := range []struct {
		members string
		want    []string
		warning string
	}{
		{`"userId":"undefined","anonymousId":"an"`, []string{"an"}, ""}, // mapping.Event warns
		{`"userId":" [object Object] ","traits":{"userId":"t1"}`, []string{"t1"}, ""},
		{`"userId":"u1","anonymousId":"null"`, []string{"u1"}, ""},
		{`"traits":{"userId":"nil","id":"t2"},"anonymousId":"an"`, []string{"t2", "an"}, "traits.userId: left out, it means nobody"},
		{`"traits":{"userId":" ","id":"NaN"},"context":{"traits":{"userId":0,"id":"c2"}}`, []string{"c2"}, "context.traits.userId: left out"},
		{`"traits":{"userId":7.5},"anonymousId":"an"`, []string{"an"}, "traits.userId: left out, a number with a fraction"},
		{`"userId":"Undefined"`, []string{"Undefined"}, ""},
		{`"userId":"0","anonymousId":"null-island"`, []string{"0", "null-island"}, ""},
	} {
		step, warnings := oneStep[kustomer.Upsert](t, kustomer.Config{}, `{"type":"identify",`+c.members+`}`)
		if diff := cmp.Diff(c.want, step.ExternalIDs); diff != "" {
			t.Errorf("external ids of %s (-want +got):\n%s", c.members, diff)
		}
		wantWarning(t, warnings, c.warning)
	}
}

func TestMap_nobodyAtAll(t *testing.T) {
	for event, code := range map[string]mapping.Code{
		`{"type":"identify","userId":"[object Object]","traits":{"email":"p@example.test"}}`:                        mapping.MissingIdentifier,
		`{"type":"identify","userId":0,"anonymousId":"\u200b"}`:                                                     mapping.MissingIdentifier,
		`{"type":"identify","traits":{"id":"None"},"context":{"externalId":[{"type":"kustomerId","id":"(null)"}]}}`: mapping.MissingIdentifier,
		`{"type":"track","event":"E","userId":"null"}`:                                                              mapping.MissingIdentity,
		`{"type":"screen","userId":"(null)","anonymousId":0}`:                                                       mapping.MissingIdentity,
	} {
		_, err := mapped(t, kustomer.Config{}, []byte(event))
		wantCode(t, event, err, code)
	}
}

func TestMap_theConfiguredWordsMeanNobody(t *testing.T) {
	ev, err := mapping.Decode([]byte(`{"type":"identify","userId":"undefined","traits":{"id":"guest"}}`))
	if err != nil {
		t.Fatal(err)
	}
	ev.NoIDs = mapping.NoIDs{"guest"}
	message, err := kustomer.New(kustomer.Config{}).Map(ev)
	if err != nil {
		t.Fatal(err)
	}
	if ids := message.Steps[0].(kustomer.Upsert).ExternalIDs; len(ids) != 1 || ids[0] != "undefined" {
		t.Errorf("external ids %q, want the word that is an id here", ids)
	}
}

func TestMap_kustomerIDs(t *testing.T) {
	for entries, want := range map[string]string{
		`"externalId":[{"type":"kustomerId","id":"c1"}]`:                                                "c1",
		`"externalId":{"type":"kustomerId","id":7.0}`:                                                   "7",
		`"externalIds":[{"type":"x","id":"y"},{"type":"kustomerId","id":"c2"}]`:                         "c2",
		`"externalId":[{"type":"kustomerId","id":7.5}],"externalIds":[{"type":"kustomerId","id":"c3"}]`: "c3",
		`"externalId":[{"type":"kustomerId","id":7.5}]`:                                                 "",
		`"externalId":[{"type":"kustomerId","id":"undefined"}]`:                                         "",
	} {
		step, _ := oneStep[kustomer.Upsert](t, kustomer.Config{}, `{"type":"identify","userId":"u1","context":{`+entries+`}}`)
		if step.ID != want {
			t.Errorf("id of %s is %q, want %q", entries, step.ID, want)
		}
	}
}
