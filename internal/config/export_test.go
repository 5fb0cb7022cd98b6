package config_test

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

func TestExport_whatCannotBeListedIsRefused(t *testing.T) {
	const file = `
inbound: {topic: %TOPIC}
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-of-the-desk}
    export: {entities: [%ENTITIES], every: %EVERY}
  - name: hook
    type: webhook
    webhook: {url: "https://hooks.example.com"}
%HOOK`
	parse := func(topic, entities, every, hook string) string {
		text := strings.NewReplacer("%TOPIC", topic, "%ENTITIES", entities, "%EVERY", every, "%HOOK", hook).Replace(file)
		_, err := config.Parse("test.yaml", []byte(text), func(string) (string, bool) { return "", false })
		if err == nil {
			return ""
		}
		return err.Error()
	}
	for _, tt := range []struct{ topic, entities, every, hook, want string }{
		{"t", "users, roles, tickets, comments, attachments", "15m", "", ""},
		{"t", "", "0s", "", ""},
		{"t", "contact", "0s", "", "destinations[0].export.entities[0]: Trengo has no list of it; did you mean \"contacts\"?"},
		{"t", "queues", "0s", "", "destinations[0].export.entities[0]: Trengo has no list of it"},
		{"t", "users, users", "0s", "", "destinations[0].export.entities[1]: is there twice"},
		{"t", "comments", "0s", "", "destinations[0].export.entities[0]: is found by the tickets: add tickets"},
		{"t", "tickets, attachments", "0s", "", "destinations[0].export.entities[1]: is found by the comments: add comments"},
		{"t", "users", "-1s", "", "destinations[0].export.every"},
		{strings.Repeat("t", 240), "users", "0s", "", "has a name of more than 249 characters"},
		{"t", "users", "0s", "    export: {entities: [users]}\n", "destinations[1].export: a webhook destination has no lists"},
	} {
		if got := parse(tt.topic, tt.entities, tt.every, tt.hook); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("[%s] every %s: %q, want %q", tt.entities, tt.every, got, tt.want)
		}
	}
}
