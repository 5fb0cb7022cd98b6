package config_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/config"
)

const compared = `
kafka: {brokers: [a:9092], sasl: {mechanism: plain, username: u, password: the-first-password}}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: key-for-kustomer}
    delivery: {timeout: 20s, rate_limit: {requests: 100}}
    rules:
      - {name: one, match: {event: [A]}, ticket: {subject: a}}
      - {name: two, match: {event: [B]}, ticket: {subject: b, find: newest}}
  - name: inbox
    type: trengo
    trengo: {api_token: token-for-trengo, event_templates: [{event: A, template: B}]}
  - name: hook
    type: webhook
    webhook: {url: "https://hooks.example.com/in", headers: {Authorization: first-of-the-hook}}
`

// Each kind of difference is named, with whether a reload takes it.
func TestDiff_namesWhatDiffersAndWhetherAReloadTakesIt(t *testing.T) {
	for change, want := range map[string]string{
		"requests: 100|requests: 50":                               `destinations[crm].delivery.rate_limit.requests: 100 -> 50 reload`,
		"requests: 100|requests: 100, reserve: 0":                  `destinations[crm].delivery.rate_limit.reserve: 0.1 -> 0 reload`,
		"timeout: 20s|timeout: 21s":                                `destinations[crm].delivery.timeout: 20s -> 21s restart`,
		"key-for-kustomer|another-key-of-kustomer":                 `destinations[crm].kustomer.api_key: [redacted] -> [redacted] reload`,
		"first-of-the-hook|other-of-the-hook":                      `destinations[hook].webhook.headers.Authorization: [redacted] -> [redacted] reload`,
		"{Authorization: f|{X: y-of-hook, Authorization: f":        `destinations[hook].webhook.headers: {Authorization: '[redacted]'} -> {Authorization: '[redacted]', X: '[redacted]'} restart`,
		"the-first-password|the-other-password":                    `kafka.sasl.password: [redacted] -> [redacted] reload`,
		"username: u|username: v":                                  `kafka.sasl.username: u -> v restart`,
		"[a:9092]|[a:9092, b:9092]":                                `kafka.brokers: ['a:9092'] -> ['a:9092', 'b:9092'] restart`,
		"subject: a|subject: c":                                    `destinations[crm].rules[one].ticket.subject: a -> c reload`,
		"find: newest|find: key, key: k":                           `destinations[crm].rules[two].ticket.find: newest -> key reload; destinations[crm].rules[two].ticket.key:  -> k reload`,
		"name: one,|name: new,":                                    `destinations[crm].rules[one]: given ->  reload; destinations[crm].rules[new]:  -> given reload`,
		"template: B|template: C":                                  `destinations[inbox].trengo.event_templates: [{event: A, template: B}] -> [{event: A, template: C}] reload`,
		"type: trengo|type: trengo\n    events: [track]":           `destinations[inbox].events:  -> [track] reload`,
		"type: trengo|type: trengo\n    event_filter: {deny: [X]}": `destinations[inbox].event_filter.deny:  -> [X] reload`,
		"type: trengo|type: trengo\n    calls: {}":                 `destinations[inbox].calls:  -> {topic: helpdesk.calls} restart`,
		"name: inbox|name: other":                                  `destinations[inbox]: given ->  restart; destinations[other]:  -> given restart`,
		"kafka: {|log: {level: debug}\nkafka: {":                   `log.level: info -> debug reload`,
	} {
		from, to, _ := strings.Cut(change, "|")
		if !strings.Contains(compared, from) {
			t.Fatalf("%q is not there", from)
		}
		got := diffText(config.Diff(parse(t, compared, nil), parse(t, strings.Replace(compared, from, to, 1), nil)))
		if got != want {
			t.Errorf("%q gives\n%s\nwant\n%s", change, got, want)
		}
	}
	if got := config.Diff(parse(t, compared, nil), parse(t, compared, nil)); len(got) != 0 {
		t.Errorf("a file differs from itself: %v", got)
	}
}

func TestDiff_namesAnotherOrder(t *testing.T) {
	lines := strings.Split(compared, "\n")
	lines[8], lines[9] = lines[9], lines[8]
	got := diffText(config.Diff(parse(t, compared, nil), parse(t, strings.Join(lines, "\n"), nil)))
	if want := `destinations[crm].rules (order): one, two -> two, one reload`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func diffText(changes []config.Change) string {
	var list []string
	for _, c := range changes {
		how := map[bool]string{true: "reload", false: "restart"}[c.Reload]
		list = append(list, c.Path+": "+c.Was+" -> "+c.Is+" "+how)
	}
	return strings.Join(list, "; ")
}

// What is shown is a file again, which says the same but for its secrets.
func TestYAML_isAFileThatSaysTheSame(t *testing.T) {
	first := parse(t, compared, map[string]string{})
	shown := string(first.YAML())
	for _, secret := range []string{"key-for-kustomer", "the-first-password", "token-for-trengo", "first-of-the-hook"} {
		if strings.Contains(shown, secret) {
			t.Errorf("a secret is shown: %s", secret)
		}
	}
	for _, change := range config.Diff(first, parse(t, shown, nil)) {
		if change.Was != config.Masked {
			t.Errorf("%s is shown otherwise: %q, %q", change.Path, change.Was, change.Is)
		}
	}
	if diff := cmp.Diff(shown, string(parse(t, shown, nil).YAML())); diff != "" {
		t.Errorf("shown again (-first +again):\n%s", diff)
	}
	for _, want := range []string{"drain_timeout: 35s", "bytes: 64MiB", "requests: 100", "find: newest", "max_age: 0s"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown:\n%s", want, shown)
		}
	}
}

// Whatever a text that may hold an address is for: its user and its query are not shown.
func TestYAML_masksEveryFormOfAUserInAnAddress(t *testing.T) {
	for text, want := range map[string]string{
		"http://user:hush@host":                "http://[redacted]@host",
		"http://hush@host:8080/a":              "http://[redacted]@host:8080/a",
		"HTTPS://user:hu%2Fsh@host":            "https://[redacted]@host",
		"http://:hush@[::1]:9092/":             "http://[redacted]@[::1]:9092/",
		" http://user:hush@host ":              "http://[redacted]@host",
		"socks5://user:hush@host:1080":         "socks5://[redacted]@host:1080",
		"http://user:hush@hush@host/":          "http://[redacted]@host/",
		"http://user:hu/sh@host":               "http://[redacted]",
		"http://user:hu?sh@host":               "http://[redacted]",
		"http://user:hu#sh@host":               "http://[redacted]",
		"http://host/a?key=hush#hush":          "http://host/a?[redacted]",
		"http://host/@ann":                     "http://host/@ann",
		"see http://host/@ann or ask ann@host": "see http://host/@ann or ask ann@host",
	} {
		file := "kafka: {brokers: [a:9092], client_id: " + strconv.Quote(text) + "}\ndestinations: [{name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}]\n"
		cfg := parse(t, file, nil)
		_, shown, _ := strings.Cut(string(cfg.YAML()), "client_id: ")
		shown, _, _ = strings.Cut(shown, "\n")
		if got := strings.Trim(shown, `'"`); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// A broker's address has no place for a user, so it is refused, and what stands there is not shown.
func TestParse_refusesAUserInABrokersAddress(t *testing.T) {
	for _, broker := range []string{"user:hush@host:9092", "hush@host", "a:9092,user:hush@host:9092"} {
		file := "kafka:\n  brokers: [" + strconv.Quote(broker) + "]\ndestinations: [{name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}]\n"
		_, err := config.Parse("c.yaml", []byte(file), func(string) (string, bool) { return "", false })
		if err == nil || !strings.Contains(err.Error(), "must not hold a user name or password") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", broker, err)
		}
	}
}

// token_url is the address that may have a user and a query, and both may be secret.
func TestYAML_showsNoUserAndNoQueryOfAnAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://me:hush-1@login.example.com/oauth/token":            "https://[redacted]@login.example.com/oauth/token",
		"https://login.example.com/oauth/token?api-version=2#hush-1": "https://login.example.com/oauth/token?[redacted]",
		"https://me:hush-1@login.example.com/token?code=hush-2":      "https://[redacted]@login.example.com/token?[redacted]",
		"https://login.example.com/a%2Fb/token":                      "https://login.example.com/a%2Fb/token",
	} {
		file := "kafka: {brokers: [a:9092], tls: {enabled: true}, sasl: {mechanism: oauthbearer, oauth: {token_url: 'ADDRESS', client_id: i, client_secret: s3cr3t-value}}}\n" +
			"destinations: [{name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}]\n"
		cfg := parse(t, strings.Replace(file, "ADDRESS", address, 1), nil)
		if shown := string(cfg.YAML()); !strings.Contains(shown, want) || strings.Contains(shown, "hush") {
			t.Errorf("%s is shown as\n%s", address, shown)
		}
		if cfg.Kafka.SASL.OAuth.TokenURL != address {
			t.Errorf("%s was read as %s", address, cfg.Kafka.SASL.OAuth.TokenURL)
		}
		other := parse(t, strings.Replace(file, "ADDRESS", "https://other.example.com/token?hush-3", 1), nil)
		changes := config.Diff(cfg, other)
		if text := config.DiffText(changes); len(changes) != 1 || strings.Contains(text, "hush") {
			t.Errorf("the difference of %s is shown as\n%s", address, text)
		}
	}
}
