package kustomer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
)

func TestMap_lookupsInOrderWithoutRepeats(t *testing.T) {
	email := kustomer.Lookup{By: kustomer.ByEmail, Value: "a@example.test"}
	external := func(id string) kustomer.Lookup { return kustomer.Lookup{By: kustomer.ByExternalID, Value: id} }
	for event, want := range map[string][]kustomer.Lookup{
		`{"type":"identify","userId":"u1","anonymousId":"an","traits":{"email":" a@example.test "}}`:    {email, external("u1"), external("an")},
		`{"type":"identify","userId":"u1","anonymousId":"u1"}`:                                          {external("u1")},
		`{"type":"identify","userId":42}`:                                                               {external("42")},
		`{"type":"identify","userId":" ","traits":{"userId":"t1","id":"t2"}}`:                           {external("t1")},
		`{"type":"identify","context":{"traits":{"id":12345678901234567890}}}`:                          {external("12345678901234567890")},
		`{"type":"identify","anonymousId":"a/b"}`:                                                       {external("a/b")},
		`{"type":"identify","userId":"u1","traits":{"email":"none"}}`:                                   {external("u1")},
		`{"type":"identify","userId":"u1","context":{"externalId":[{"type":"x","id":"e@x.test"}]}}`:     {external("u1")},
		`{"type":"identify","userId":"u1","properties":{"email":"a@example.test"}}`:                     {email, external("u1")},
		`{"type":"identify","userId":"u1","context":{"externalId":[{"type":"kustomerId","id":"5"}]}}`:   nil,
		`{"type":"identify","userId":"u1","context":{"externalId":{"type":"kustomerId","id":"5"}}}`:     nil,
		`{"type":"identify","userId":"u1","context":{"externalId":[{"type":"kustomerId","id":""}]}}`:    {external("u1")},
		`{"type":"identify","userId":"u2","context":{"externalId":[{"type":"kustomerId","id":0}]}}`:     {external("u2")},
		`{"type":"identify","userId":"u3","context":{"externalId":[{"type":"kustomerId","id":-0.0}]}}`:  {external("u3")},
		`{"type":"identify","userId":"u4","context":{"externalId":[{"type":"kustomerId","id":false}]}}`: {external("u4")},
	} {
		step, _ := oneStep[kustomer.Upsert](t, kustomer.Config{}, event)
		if diff := cmp.Diff(want, step.Lookups); diff != "" {
			t.Errorf("lookups of %s (-want +got):\n%s", event, diff)
		}
	}
}

func TestMap_externalIDIsUserIDFirst(t *testing.T) {
	for event, want := range map[string][]string{
		`{"type":"identify","userId":"u1","anonymousId":"an"}`:                               {"u1", "an"},
		`{"type":"identify","anonymousId":"an"}`:                                             {"an"},
		`{"type":"identify","context":{"externalId":[{"type":"kustomerId","id":5}]}}`:        nil,
		`{"type":"identify","userId":"u1","anonymousId":{"a":1}}`:                            {"u1"},
		`{"type":"identify","userId":"u1","anonymousId":"` + strings.Repeat("a", 257) + `"}`: {"u1"},
	} {
		step, _ := oneStep[kustomer.Upsert](t, kustomer.Config{}, event)
		if diff := cmp.Diff(want, step.ExternalIDs); diff != "" {
			t.Errorf("external ids of %s (-want +got):\n%s", event, diff)
		}
		first := ""
		if len(want) > 0 {
			first = want[0]
		}
		if got := step.Customer.Get("externalId").Str(); got != first {
			t.Errorf("externalId of %s is %q, want %q", event, got, first)
		}
	}
}

func TestMap_idsThatCannotBeSent(t *testing.T) {
	kustomerID := func(id string) string {
		return `{"type":"identify","userId":"u1","context":{"externalId":[{"type":"kustomerId","id":` + id + `}]}}`
	}
	userID := func(id string) string { return `{"type":"identify","userId":` + id + `}` }
	email := func(text string) string { return `{"type":"identify","userId":"u1","traits":{"email":` + text + `}}` }
	for event, code := range map[string]mapping.Code{
		`{"type":"identify","traits":{"email":"a@example.test"}}`: mapping.MissingIdentifier,
		`{"type":"identify","traits":[1],"context":"x"}`:          mapping.MissingIdentifier,
		userID(`{"a":1}`): mapping.WrongType,
		userID(`true`):    mapping.WrongType,
		`{"type":"identify","anonymousId":["a"]}`: mapping.WrongType,
		userID(`".."`):       mapping.InvalidID,
		userID(`"a/./b"`):    mapping.InvalidID,
		userID(`"../x"`):     mapping.InvalidID,
		userID(`"a\\b"`):     mapping.InvalidID,
		userID(`"a\u0007b"`): mapping.InvalidID,
		userID(`"a\u0085b"`): mapping.InvalidID,
		userID(`"` + strings.Repeat("a", 257) + `"`):             mapping.InvalidID,
		`{"type":"identify","userId":"u1","anonymousId":"a/.."}`: mapping.InvalidID,
		email(`"../a@example.test"`):                             mapping.InvalidID,
		email(`"a\\@example.test"`):                              mapping.InvalidID,
		kustomerID(`"a/b"`):                                      mapping.InvalidID,
		kustomerID(`"a\\b"`):                                     mapping.InvalidID,
		kustomerID(`"a\nb"`):                                     mapping.InvalidID,
		kustomerID(`"."`):                                        mapping.InvalidID,
		kustomerID(`".."`):                                       mapping.InvalidID,
		kustomerID(`{"x":1}`):                                    mapping.WrongType,
		kustomerID(`true`):                                       mapping.WrongType,
	} {
		_, err := mapped(t, kustomer.Config{}, []byte(event))
		wantCode(t, event, err, code)
	}
}

func TestMap_faultsQuoteNothingOfTheEvent(t *testing.T) {
	for _, event := range []string{
		`{"type":"identify","userId":"secret/.."}`,
		`{"type":"identify","userId":{"secret":"secret"}}`,
		`{"type":"track","userId":"u1","event":{"secret":1}}`,
		`{"type":"identify","context":{"externalId":[{"type":"kustomerId","id":"secret/x"}]}}`,
	} {
		_, err := mapped(t, kustomer.Config{}, []byte(event))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("error of %s: %v", event, err)
		}
	}
}
