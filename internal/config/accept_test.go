package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/deskstream/deskstream/desk/kustomer"
	"github.com/deskstream/deskstream/desk/trengo"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// minimal is the least that a file can say, before what a test appends.
const minimal = `
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-for-trengo}
  - name: crm
    type: kustomer
    kustomer: {api_key: key-for-kustomer}
`

func parse(t *testing.T, text string, vars map[string]string) *config.Config {
	t.Helper()
	c, err := config.Parse("test.yaml", []byte(text), environment(vars))
	if err != nil {
		t.Fatalf("parsing:\n%s\ngot: %v", text, err)
	}
	return c
}

func refusal(t *testing.T, text string) string {
	t.Helper()
	_, err := config.Parse("test.yaml", []byte(text), testEnvironment)
	if err == nil {
		t.Fatalf("accepted:\n%s", text)
	}
	return err.Error()
}

func delivery(requests int) config.Delivery {
	return config.Delivery{
		MaxInFlight: 64,
		RateLimit:   config.RateLimit{Requests: requests, Per: time.Minute, Reserve: 0.1},
		Timeout:     30 * time.Second,
		Retry:       config.Retry{MaxElapsed: 15 * time.Minute, Initial: 500 * time.Millisecond, Max: time.Minute},
		Unknown:     config.UnknownProbe,
	}
}

func start(t *testing.T, text string) config.Start {
	t.Helper()
	var s config.Start
	if err := s.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParse_everyDefault(t *testing.T) {
	want := &config.Config{
		Kafka: config.Kafka{Brokers: []string{"localhost:9092"}, ClientID: "deskstream"},
		Source: config.Source{
			Topics: []string{"events"}, Group: "deskstream", GroupProtocol: "classic", SessionTimeout: 45 * time.Second,
			Isolation: "read_committed", Format: "auto", NoIDs: mapping.DefaultNoIDs(), Start: start(t, "earliest"), CommitInterval: time.Second,
			DrainTimeout: 35 * time.Second,
		},
		SchemaRegistry: config.SchemaRegistry{UnknownGrace: 30 * time.Second},
		Responses:      config.Responses{Topic: "events.responses", Format: "json", Bodies: true},
		DeadLetters: config.DeadLetters{
			Topic: "dlq.events.deskstream", Dialects: []string{"connect", "spring", "kip1191"}, Breaker: config.Breaker{Share: 0.5, Of: 100},
		},
		Lane:   []string{"userId", "anonymousId", "key"},
		Limits: config.Limits{Records: 100000, Bytes: 64 << 20, Lanes: 50000, Span: 5000000},
		HTTP:   config.HTTP{Listen: "127.0.0.1:9400", Admin: "127.0.0.1:9401"},
		Log:    config.Log{Level: "info"},
		Console: config.Console{
			Actions: true, TokenRole: "viewer", Proxy: config.ConsoleProxy{Header: "X-Forwarded-User"}, PersonalData: []string{"operator"},
		},
		Inbound: config.Inbound{Topic: "helpdesk.events", Listen: "127.0.0.1:9410"},
		Destinations: []config.Destination{
			{
				Name: "inbox", Type: "trengo", Start: start(t, "earliest"), Delivery: delivery(120), Webhooks: config.Webhooks{MaxAge: 24 * time.Hour},
				Settings: config.Settings{"trengo": &trengo.Settings{
					APIToken: sink.NewSecret("token-for-trengo"), ChannelIdentifier: "email", EnableDedup: true, BaseURL: "https://app.trengo.com/api/v2",
				}},
			},
			{
				Name: "crm", Type: "kustomer", Start: start(t, "earliest"), Delivery: delivery(1000), Webhooks: config.Webhooks{MaxAge: 24 * time.Hour},
				Settings: config.Settings{"kustomer": &kustomer.Settings{APIKey: sink.NewSecret("key-for-kustomer"), BaseURL: "https://api.kustomerapp.com", AdvancedTransform: true, Lists: "merge"}},
			},
		},
	}
	got := parse(t, minimal, nil)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config.Start{}), cmpopts.IgnoreUnexported(config.Config{}, config.CallTLS{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestParse_everyKeyIsRead(t *testing.T) {
	got := parse(t, fileWithEveryKey, map[string]string{"TRENGO_API_TOKEN": "token-for-trengo", "KUSTOMER_API_KEY": "key-for-kustomer"})
	want := &config.Config{
		Kafka: config.Kafka{
			Brokers: []string{"a:1", "b:2"}, ClientID: "me",
			TLS: config.TLS{Enabled: true, CAFile: "ca", CertFile: "cert", KeyFile: "key", ServerName: "name"},
			SASL: config.SASL{
				Mechanism: "oauthbearer", Username: "u", Password: sink.NewSecret("p"),
				OAuth: config.OAuth{
					TokenURL: "https://login/token", ClientID: "id", ClientSecret: sink.NewSecret("cs"), Scopes: []string{"s1", "s2"},
				},
			},
		},
		Source: config.Source{
			Topics: []string{"in1", "in2"}, Group: "g", GroupInstanceID: "i-1", GroupProtocol: "consumer", SessionTimeout: 50 * time.Second,
			Isolation: "read_uncommitted", Format: "json", Unwrap: "/body/event", NoIDs: []string{"guest"},
			Fields: map[string]string{"userId": "customer_id", "traits.email": "contact.mail"}, Start: start(t, "2026-01-02T03:04:05+01:00"),
			Dedup: time.Hour, CommitInterval: 2 * time.Second, DrainTimeout: 70 * time.Second,
		},
		SchemaRegistry: config.SchemaRegistry{UnknownGrace: 5 * time.Second},
		Responses:      config.Responses{Topic: "out", Format: "json"},
		DeadLetters:    config.DeadLetters{Topic: "dlq", Dialects: []string{"streams", "xoriginal"}, Breaker: config.Breaker{Share: 0, Of: 10, Invalid: 0.9}},
		Lane:           []string{"key"},
		Limits:         config.Limits{Records: 1, Bytes: 2000, Lanes: 3, Span: 4},
		HTTP:           config.HTTP{Listen: "", Admin: ":0"},
		Log:            config.Log{Level: "debug"},
		Console: config.Console{
			Hosts: []string{"console.example.com"}, UsersFile: "users", Token: sink.NewSecret("0123456789abcdef0123"), TokenRole: "operator",
			Proxy:        config.ConsoleProxy{Trusted: []string{"10.0.0.7"}, Header: "X-User", Operators: []string{"ann"}},
			PersonalData: []string{"viewer", "operator"}, TLS: config.ServerTLS{CertFile: "c", KeyFile: "k"},
		},
		Inbound: config.Inbound{
			Topic: "desk", Listen: ":0", TLS: config.ServerTLS{CertFile: "c", KeyFile: "k"}, PublicURL: "https://hooks.example.com",
		},
		Destinations: everyDestination(t),
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config.Start{}), cmpopts.IgnoreUnexported(config.Config{}, config.CallTLS{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestParse_anEmptyListOfWordsIsNoWord(t *testing.T) {
	if got := parse(t, "source: {no_ids: []}"+minimal, nil).Source.NoIDs; len(got) != 0 {
		t.Errorf("no_ids = %q, want none", got)
	}
}

func everyDestination(t *testing.T) []config.Destination {
	t.Helper()
	inbox := config.Destination{
		Name: "support-inbox", Type: "trengo", Events: []string{"identify", "track"},
		EventFilter: config.EventFilter{Allow: []string{"A"}}, Start: start(t, "latest"), Delivery: delivery(120),
		Webhooks: config.Webhooks{
			Events: []string{"ticket.closed", "message.inbound"}, Secrets: []config.Secret{sink.NewSecret("hook-secret")}, SecretsFile: "hooks.json",
			Enrich: true, MaxAge: time.Hour,
		},
		Settings: config.Settings{"trengo": &trengo.Settings{
			APIToken: sink.NewSecret("token-for-trengo"), ChannelID: "123456", ChannelIdentifier: "phone", CreateContact: true, BaseURL: "http://trengo.internal/api", AllowInsecure: true,
			TimeZone: "UTC", EventTemplates: []trengo.EventTemplate{{Event: "Product Purchased", Template: "{{ event }} from our store"}, {Event: "Stress Test"}},
		}},
	}
	crm := config.Destination{
		Name: "crm", Type: "kustomer", EventFilter: config.EventFilter{Deny: []string{"B"}}, Start: start(t, "2026-01-02T03:04:05+01:00"),
		Settings: config.Settings{"kustomer": &kustomer.Settings{
			APIKey: sink.NewSecret("key-for-kustomer"), BaseURL: "https://api.prod2.kustomerapp.com", AllowInsecure: true, SetIdentityEmail: true,
			DisableEmailAsTrackingProperty: true, GenericPage: true, GenericScreen: true, EventTime: "occurredAt", Lists: "leave",
		}},
		Webhooks: config.Webhooks{MaxAge: 24 * time.Hour},
		Delivery: config.Delivery{
			MaxInFlight: 5, RateLimit: config.RateLimit{Requests: 6, Per: time.Second, Reserve: 0}, Timeout: 60 * time.Second, MaxAge: time.Hour,
			Retry:   config.Retry{MaxAttempts: 7, MaxElapsed: 0, Initial: 8 * time.Millisecond, Max: 9 * time.Millisecond},
			Unknown: "dead", TraceCalls: true,
		},
	}
	return []config.Destination{inbox, crm}
}

const fileWithEveryKey = `
kafka:
  brokers: [a:1, b:2]
  client_id: me
  tls: {enabled: true, ca_file: ca, cert_file: cert, key_file: key, server_name: name}
  sasl:
    mechanism: oauthbearer
    username: u
    password: p
    oauth: {token: "", token_url: "https://login/token", client_id: id, client_secret: cs, scopes: [s1, s2]}
source:
  topics: [in1, in2]
  group: g
  group_instance_id: i-1
  group_protocol: consumer
  session_timeout: 50s
  isolation: read_uncommitted
  format: json
  schema_file: ""
  unwrap: /body/event
  fields: {userId: customer_id, traits.email: contact.mail}
  no_ids: [guest]
  dedup: 1h
  start: 2026-01-02T03:04:05+01:00
  commit_interval: 2s
  drain_timeout: 70s
schema_registry: {urls: [], username: "", password: "", token: "", tls: {}, auto_register: false, unknown_grace: 5s}
responses: {topic: out, format: json, bodies: false}
dead_letters:
  topic: dlq
  dialects: [streams, xoriginal]
  breaker: {share: 0, of: 10, invalid: 0.9}
lane: [key]
limits: {records: 1, bytes: 2kB, lanes: 3, span: 4}
http: {listen: "", admin: ":0"}
log: {level: debug}
console:
  actions: false
  hosts: [console.example.com]
  users_file: users
  token: 0123456789abcdef0123
  token_role: operator
  proxy: {trusted: [10.0.0.7], header: X-User, operators: [ann]}
  personal_data: [viewer, operator]
  tls: {cert_file: c, key_file: k}
inbound: {topic: desk, listen: ":0", tls: {cert_file: c, key_file: k}, public_url: "https://hooks.example.com"}
destinations:
  - name: support-inbox
    type: trengo
    events: [identify, track]
    event_filter: {allow: [A], deny: []}
    start: latest
    webhooks: {events: [ticket.closed, message.inbound], secrets: [hook-secret], secrets_file: hooks.json, enrich: true, max_age: 1h}
    trengo:
      time_zone: UTC
      api_token: ${TRENGO_API_TOKEN}
      channel_id: 123456
      channel_identifier: phone
      enable_dedup: false
      create_contact: true
      event_templates:
        - {event: Product Purchased, template: "{{ event }} from our store"}
        - {event: Stress Test}
      base_url: http://trengo.internal/api
      allow_insecure: true
    delivery: {}
  - name: crm
    type: kustomer
    event_filter: {deny: [B]}
    start: ""
    kustomer:
      api_key: ${KUSTOMER_API_KEY}
      base_url: https://api.prod2.kustomerapp.com
      allow_insecure: true
      advanced_transform: false
      set_identity_email: true
      disable_email_as_tracking_property: true
      generic_page: true
      generic_screen: true
      event_time: occurredAt
      lists: leave
    delivery:
      max_in_flight: 5
      rate_limit: {requests: 6, per: 1s, reserve: 0}
      timeout: 60s
      max_age: 1h
      retry: {max_attempts: 7, max_elapsed: 0, initial: 8ms, max: 9ms}
      unknown: dead
      trace_calls: true
`

func TestParse_baseURLs(t *testing.T) {
	for url, want := range map[string]string{
		"https://api.example.com":       "",
		"https://api.example.com/eu/":   "",
		"https://api.example.com:8443":  "",
		"http://localhost:1/x":          "",
		"http://127.9.9.9":              "",
		"http://[::1]:80":               "",
		"http://example.com":            "must be https",
		"http://localhost.example.com":  "must be https",
		"http://127.0.0.1.example.com":  "must be https",
		"ftp://localhost":               "write the full address",
		"api.example.com":               "write the full address",
		"https://":                      "write the full address",
		"https://:443":                  "write the full address",
		"":                              "write the full address",
		" https://api.example.com":      "write the full address",
		"https://a@api.example.com":     "user name",
		"https://api.example.com?":      "query",
		"https://api.example.com#":      "query or fragment",
		"https://api.example.com:70000": "port",
	} {
		text := "destinations: [{name: a, type: kustomer, kustomer: {api_key: key-for-kustomer, base_url: \"" + url + "\"}}]\n"
		_, err := config.Parse("test.yaml", []byte(text), testEnvironment)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", url, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: got %v, want %q", url, err, want)
		}
	}
	parse(t, "destinations: [{name: a, type: kustomer, kustomer: {api_key: key-for-kustomer, base_url: \"http://example.com\", allow_insecure: true}}]\n", nil)
}

func TestParse_drainTimeoutStaysBetweenCallsAndSession(t *testing.T) {
	for text, want := range map[string]string{
		"source: {drain_timeout: 30s}":                              "must be longer than destinations[0].delivery.timeout of 30s",
		"source: {drain_timeout: 30001ms}":                          "",
		"source: {drain_timeout: 45s}":                              "must be shorter than source.session_timeout of 45s",
		"source: {session_timeout: 35s}":                            "must be shorter than source.session_timeout of 35s",
		"source: {drain_timeout: 60s, group_protocol: consumer}":    "",
		"source: {drain_timeout: 59s, session_timeout: 60s}":        "",
		"source: {drain_timeout: 44999ms, group_protocol: classic}": "",
	} {
		_, err := config.Parse("test.yaml", []byte(minimal+text), testEnvironment)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestParse_nearestKeyIsNamed(t *testing.T) {
	for key, want := range map[string]string{
		"brokerz": "brokers", "apiToken": "api_token", "api-token": "api_token", "dedup": "enable_dedup", "generic_pages": "generic_page",
		"timeot": "timeout", "ratelimit": "rate_limit", "maxinflight": "max_in_flight",
	} {
		for _, block := range []string{"kafka: {%s: 1}", "destinations: [{trengo: {%s: 1}}]", "destinations: [{kustomer: {%s: 1}}]", "destinations: [{delivery: {%s: 1}}]"} {
			if got := refusal(t, strings.Replace(block, "%s", key, 1)); strings.Contains(got, `"`+want+`"`) {
				want = ""
			}
		}
		if want != "" {
			t.Errorf("%s: no block names %s", key, want)
		}
	}
}
