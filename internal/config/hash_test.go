package config_test

import (
	"strings"
	"testing"
)

const hashed = `
source: {fields: {userId: customer, messageId: id}}
destinations:
  - name: crm
    type: kustomer
    events: [identify, track]
    kustomer: {api_key: key-for-kustomer}
    delivery: {timeout: 20s}
  - name: inbox
    type: trengo
    trengo: {api_token: token-for-trengo, event_templates: [{event: A, template: B}]}
`

// A hash of the address of a block differed at every start.
func TestHash_isThatOfTheSettings(t *testing.T) {
	first, second := parse(t, hashed, nil), parse(t, hashed, nil)
	for i := range first.Destinations {
		if a, b := first.Hash(first.Destinations[i]), second.Hash(second.Destinations[i]); a != b || len(a) != 16 {
			t.Errorf("the same file has the hashes %s and %s", a, b)
		}
	}
	for change, destination := range map[string]int{
		"events: [identify, track]|events: [identify]":                      0,
		"events: [identify, track]|event_filter: {deny: [X]}":               0,
		"api_key: key-for-kustomer|api_key: key-for-kustomer, lists: leave": 0,
		"timeout: 20s|timeout: 21s":                                         0,
		"timeout: 20s|max_age: 1h":                                          0,
		"timeout: 20s|unknown: dead":                                        0,
		"userId: customer|userId: client":                                   0,
		"messageId: id|messageId: key":                                      0,
		"source: {|lane: [key]\nsource: {":                                  0,
		"source: {|source: {unwrap: payload, ":                              0,
		"source: {|source: {no_ids: [guest], ":                              0,
		"template: B|template: C":                                           1,
		"event: A,|event: B,":                                               1,
	} {
		from, to, _ := strings.Cut(change, "|")
		changed := parse(t, strings.Replace(hashed, from, to, 1), nil)
		if first.Hash(first.Destinations[destination]) == changed.Hash(changed.Destinations[destination]) {
			t.Errorf("%q makes no difference", change)
		}
	}
	for _, change := range []string{
		"key-for-kustomer|another-key-of-kustomer", "timeout: 20s|timeout: 20s, max_in_flight: 3", "timeout: 20s|timeout: 20s, rate_limit: {requests: 7}",
		"timeout: 20s}|timeout: 20s}\n    webhooks: {secrets: [hook-secret], enrich: true}",
		"source: {|source: {dedup: 1h, ", // whose letters are sent again all the same
	} {
		from, to, _ := strings.Cut(change, "|")
		changed := parse(t, strings.Replace(hashed, from, to, 1), nil)
		if first.Hash(first.Destinations[0]) != changed.Hash(changed.Destinations[0]) {
			t.Errorf("%q makes a difference", change)
		}
	}
}
