package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// called is a destination that takes calls as the text of its block says.
func called(calls string) string {
	return "destinations:\n  - name: crm\n    type: kustomer\n    kustomer: {api_key: key-for-kustomer}\n    calls: " + calls + "\n"
}

func TestParse_calls(t *testing.T) {
	c := parse(t, minimal, nil)
	if got := c.CallsTopics(); len(got) != 0 || c.Destinations[0].Calls != nil || !cmp.Equal(c.TopicsOf(c.Destinations[0]), []string{"events"}) {
		t.Errorf("without the block: topics %q of %+v", got, c.Destinations[0].Calls)
	}
	c = parse(t, `
destinations:
  - {name: a, type: kustomer, kustomer: {api_key: key-for-kustomer}, calls: {allow: [GET /v1/teams, "GET /v1/customers/**"]}}
  - {name: b, type: trengo, trengo: {api_token: token-for-trengo}, calls: {topic: others, allow: [POST /tickets/*/close]}}
  - {name: c, type: trengo, trengo: {api_token: token-for-trengo}, calls: {topic: helpdesk.calls, allow: [GET /teams]}}
  - {name: d, type: trengo, trengo: {api_token: token-for-trengo}}
`, nil)
	if len(c.Warnings().List) != 0 {
		t.Errorf("warnings: %v", c.Warnings())
	}
	if diff := cmp.Diff([]string{"helpdesk.calls", "others"}, c.CallsTopics()); diff != "" {
		t.Errorf("topics of calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"events", "helpdesk.calls", "others"}, c.Inputs()); diff != "" {
		t.Errorf("topics that are read (-want +got):\n%s", diff)
	}
	for i, want := range [][]string{{"events", "helpdesk.calls"}, {"events", "others"}, {"events", "helpdesk.calls"}, {"events"}} {
		if diff := cmp.Diff(want, c.TopicsOf(c.Destinations[i])); diff != "" {
			t.Errorf("topics of %s (-want +got):\n%s", c.Destinations[i].Name, diff)
		}
	}
	for _, block := range []string{"{allow: []}", "{}", ""} {
		c := parse(t, called(block), nil)
		if c.CallsTopics()[0] != "helpdesk.calls" || !strings.Contains(c.Warnings().Error(), "allow has no entry") {
			t.Errorf("calls: %s gives the topics %q and warns of %v", block, c.CallsTopics(), c.Warnings())
		}
	}
}

func TestParse_callsThatCannotBeMade(t *testing.T) {
	for block, want := range map[string]string{
		`{allow: [/v1/teams]}`:                                         "destinations[0].calls.allow[0]: write a method",
		`{allow: [GET /v1/teams, GET /v1/../x]}`:                       "test.yaml:5:36: destinations[0].calls.allow[1]: the path has a segment that is . or ..",
		`{allow: ["GET /v1/**/x"]}`:                                    "** stands at the end",
		`{allow: [GET /v1/teams, GET /v1/teams]}`:                      "allow[1]: is listed twice",
		`{allow: GET /v1/teams}`:                                       "calls.allow: must be a list",
		`{allow: [GET /v1/teams], topic: "a b"}`:                       "calls.topic: a topic's name",
		`{allow: [GET /v1/teams], topic: ""}`:                          "calls.topic: a topic's name",
		`{allow: [GET /v1/teams], topic: events}`:                      "calls.topic: the topic is also that of source.topics[0]: calls need one of their own",
		`{allow: [GET /v1/teams], topic: events.responses}`:            "calls.topic: the topic is also that of responses.topic",
		`{allow: [GET /v1/teams], topic: dlq.events.deskstream.state}`: "calls.topic: the topic is also that of the states of dead letters",
		`{allow: [GET /v1/teams], alow: []}`:                           "did you mean",
		`{allow: [GET /v1/teams], headers: {A: b}}`:                    "headers",
	} {
		if got := refusal(t, called(block)); !strings.Contains(got, want) {
			t.Errorf("calls: %s is refused with\n%s\nwant %q", block, got, want)
		}
	}
	hook := "destinations:\n  - {name: hook, type: webhook, webhook: {url: https://hooks.example.com}, calls: {allow: [GET /x]}}\n"
	if got := refusal(t, hook); !strings.Contains(got, "destinations[0].calls: a webhook destination makes no calls") {
		t.Errorf("a webhook: %s", got)
	}
}

func TestHash_callsCount(t *testing.T) {
	with := func(calls string) string {
		c := parse(t, called(calls), nil)
		return c.Hash(c.Destinations[0])
	}
	if with("{allow: [GET /a]}") == with("{allow: [GET /b]}") {
		t.Error("the allow list makes no difference")
	}
	without := parse(t, strings.TrimSuffix(called(""), "    calls: \n"), nil)
	if without.Hash(without.Destinations[0]) == with("{allow: [GET /a]}") {
		t.Error("the block makes no difference")
	}
}
