package kustomer_test

import (
	"net/http"
	"testing"

	mapper "github.com/deskstream/deskstream/mapping/kustomer"
)

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
				byUser: {shown("1", `"a"`)}, byID: {shown("2", `"a","x"`)}, update: {conflict, {200, ""}},
			},
			events: []string{traits(`"tags":"x"`)}, lookups: []string{"GET externalId=u1", "GET c-1"},
			writes: []string{`PUT c-1 {"externalId":"u1","tags":["a","x"],"rev":1}`, `PUT c-1 {"externalId":"u1"}`},
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
		"a stale revision of the event's own is a conflict with nobody": {
			script: map[string][]answer{byUser: {shown("5", "")}, update: {conflict}},
			events: []string{traits(`"tags":"x","rev":4`)}, lookups: []string{"GET externalId=u1"},
			writes: []string{`PUT c-1 {"externalId":"u1","tags":["x"],"rev":4}`},
			end:    "request exhausted http_409",
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
