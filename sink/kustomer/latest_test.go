package kustomer_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink/kustomer"
)

// What the answer to our latest write showed is as good as a reading: the revision is the
// condition of the next write.
func TestSend_answerToAWriteStandsInForAReading(t *testing.T) {
	shown := func(rev, lists string) answer { return who("c-1", `{"externalId":"u1","rev":`+rev+lists+`}`) }
	first := `PUT c-1 {"name":"N","externalId":"u1"}`
	plays(t, map[string]scene{
		"the next entry needs no call": {
			script:  map[string][]answer{byUser: {shown("1", `,"tags":["a"]`)}, update: {shown("2", `,"tags":["a","by-agent"]`), shown("3", ``)}},
			events:  []string{traits(`"name":"N"`), traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{first, `PUT c-1 {"externalId":"u1","tags":["a","by-agent","x"],"rev":2}`},
		},
		"nor the one after it": {
			script: map[string][]answer{byUser: {shown("1", `,"tags":[]`)}, update: {
				shown("2", `,"tags":[]`), shown("3", `,"tags":["x"]`), shown("4", ``), shown("5", ``),
			}},
			events:  []string{traits(`"name":"N"`), traits(`"tags":"x"`), traits(`"name":"M"`), traits(`"tags":"y"`)},
			lookups: []string{"GET externalId=u1"},
			writes: []string{
				first, `PUT c-1 {"externalId":"u1","tags":["x"],"rev":2}`, `PUT c-1 {"name":"M","externalId":"u1"}`,
				`PUT c-1 {"externalId":"u1","tags":["x","y"],"rev":4}`,
			},
		},
		"of a create too, with the company": {
			script: map[string][]answer{
				create: {linked("c-1", `{"externalId":"u1","rev":1,"tags":[]}`, "5fc")}, update: {shown("2", ``)},
			},
			events:  []string{traits(`"name":"N"`), traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1"},
			writes: []string{
				`POST /v1/customers {"name":"N","externalId":"u1"}`, `PUT c-1 {"externalId":"u1","tags":["x"],"company":"5fc","rev":1}`,
			},
		},
		"somebody wrote since": {
			script: map[string][]answer{
				byUser: {shown("1", ``)}, byID: {shown("4", `,"tags":["by-agent"]`)},
				update: {shown("2", `,"tags":[]`), {409, ""}, shown("5", ``)},
			},
			events:  []string{traits(`"name":"N"`), traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1", "GET c-1"},
			writes: []string{
				first, `PUT c-1 {"externalId":"u1","tags":["x"],"rev":2}`, `PUT c-1 {"externalId":"u1","tags":["by-agent","x"],"rev":4}`,
			},
		},
		"somebody wrote in between": {
			script: map[string][]answer{byUser: {shown("1", ``)}, update: {
				shown("2", `,"tags":["a"]`), shown("4", `,"tags":["a","by-agent"]`), shown("5", ``),
			}},
			events:  []string{traits(`"name":"N"`), traits(`"name":"N"`), traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1"},
			writes:  []string{first, first, `PUT c-1 {"externalId":"u1","tags":["a","by-agent","x"],"rev":4}`},
		},
		"the last answer shows nothing": {
			script: map[string][]answer{
				byUser: {shown("1", ``)}, byID: {shown("3", `,"tags":["a"]`)}, update: {shown("2", `,"tags":[]`), fine},
			},
			events:  []string{traits(`"name":"N"`), traits(`"name":"N"`), traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1", "GET c-1"},
			writes:  []string{first, first, `PUT c-1 {"externalId":"u1","tags":["a","x"],"rev":3}`},
		},
		"no revision": {
			script: map[string][]answer{
				byUser: {shown("1", ``)}, byID: {who("c-1", `{"tags":["a"]}`)}, update: {who("c-1", `{"tags":[]}`)},
			},
			events:  []string{traits(`"name":"N"`), traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1", "GET c-1"},
			writes:  []string{first, `PUT c-1 {"externalId":"u1","tags":["a","x"]}`},
		},
		"not the list of the event": {
			script: map[string][]answer{
				byUser: {shown("1", ``)}, byID: {shown("2", `,"tags":[],"phones":[]`)}, update: {shown("2", `,"tags":[],"phones":null`)},
			},
			events:  []string{traits(`"name":"N"`), traits(`"phone":"+3161"`)},
			lookups: []string{"GET externalId=u1", "GET c-1"},
			writes:  []string{first, `PUT c-1 {"externalId":"u1","phones":[{"type":"home","phone":"+3161"}],"rev":2}`},
		},
		"more than is remembered": {
			script: map[string][]answer{
				byUser: {shown("1", ``)}, byID: {shown("2", `,"tags":[]`)},
				update: {shown("2", `,"tags":[],"urls":[{"url":"`+strings.Repeat("u", 1024)+`"}]`)},
			},
			events:  []string{traits(`"name":"N"`), traits(`"tags":"x"`)},
			lookups: []string{"GET externalId=u1", "GET c-1"},
			writes:  []string{first, `PUT c-1 {"externalId":"u1","tags":["x"],"rev":2}`},
		},
	})
}

func TestSend_answerToAWriteGetsOld(t *testing.T) {
	for wait, want := range map[time.Duration][]string{
		58 * time.Second: {put("c-1")},
		62 * time.Second: {byID, put("c-1")},
	} {
		synctest.Test(t, func(t *testing.T) {
			shown := who("c-1", `{"externalId":"u1","rev":1,"tags":[]}`)
			d := &desk{script: map[string][]answer{byUser: {shown}, byID: {shown}, update: {shown}}}
			c := kustomer.New(newIDs())
			deliver(t, c, d, traits(`"name":"N"`))
			d.calls = nil
			time.Sleep(wait) // of the bubble's clock
			deliver(t, c, d, traits(`"tags":"x"`))
			wantCalls(t, d, want...)
		})
	}
}

// An update whose answer is lost is made again, and answered 409: its own first attempt has
// changed the revision. It is delivered all the same.
func TestSend_repeatedUpdateIsDelivered(t *testing.T) {
	plays(t, map[string]scene{
		"with more than lists": {
			script: map[string][]answer{
				byUser: {who("c-1", `{"externalId":"u1","rev":1}`)}, byID: {who("c-1", `{"externalId":"u1","rev":2,"tags":["x"]}`)},
				update: {{409, ""}, fine},
			},
			events: []string{traits(`"tags":"x"`)}, lookups: []string{"GET externalId=u1", "GET c-1"},
			writes: []string{`PUT c-1 {"externalId":"u1","tags":["x"],"rev":1}`, `PUT c-1 {"externalId":"u1"}`},
		},
		"with lists alone": {
			script: map[string][]answer{
				byID: {who("c-1", `{"rev":1}`), who("c-1", `{"rev":2,"tags":["x"]}`)}, update: {{409, ""}},
			},
			events:  []string{`{"type":"identify","traits":{"tags":"x"},"context":{"externalId":[{"type":"kustomerId","id":"c-1"}]}}`},
			lookups: []string{"GET c-1", "GET c-1"},
			writes:  []string{`PUT c-1 {"tags":["x"],"rev":1}`},
		},
	})
}
