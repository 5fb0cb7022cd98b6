package testfile_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/testfile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const desks = `
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: a-token-of-sixteen, channel_id: "1"}
    rules:
      - name: failed
        match: {event: [Failed]}
        contact: {create: true}
        ticket: {key: "{{ properties.id }}", subject: "Failed {{ properties.amount }}"}
  - {name: crm, type: kustomer, kustomer: {api_key: "${KEY}"}}
`

// run runs the tests of a file with the two desks, and returns the report or the error as text.
func run(t *testing.T, tests string, change func(*testfile.Options)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.yaml")
	if err := os.WriteFile(path, []byte(tests), 0o600); err != nil {
		t.Fatal(err)
	}
	o := testfile.Options{Env: func(string) (string, bool) { return "", false }, Log: slog.New(slog.DiscardHandler)}
	o.Load = func(named string, env config.LookupFunc) (*config.Config, error) {
		return config.Parse("desks.yaml", []byte(desks), env)
	}
	if change != nil {
		change(&o)
	}
	var report testfile.Report
	f, err := testfile.Load(t.Context(), path)
	if err == nil {
		err = report.Run(t.Context(), f, o)
	}
	text := report.Text()
	if err != nil {
		text = err.Error()
	}
	return strings.ReplaceAll(text, path, "FILE")
}

const head = "env: {KEY: a-key-of-sixteen-chars}\ntests:\n"

func TestRun_saysHowWhatComesDiffers(t *testing.T) {
	t.Parallel()
	event := `    events: [{type: track, event: Failed, userId: u, properties: {id: i, amount: 12.50, at: 2026-01-02}, context: {traits: {email: a@example.com}}}]` + "\n"
	for name, tt := range map[string]struct{ test, want string }{
		"nothing": {"expect: [{destination: inbox, outcome: planned, rule: failed, calls: [POST /channels/1/contacts, post /tickets]}]", ""},
		"outcome": {"expect: [{destination: inbox, outcome: skipped, reason: own}]", "outcome: want skipped, got planned\n        reason: want own, got planned"},
		"code":    {"expect: [{destination: inbox, code: http_422}]", "code: want http_422, got planned"},
		"rule":    {`expect: [{destination: inbox, rule: ""}]`, "rule: want none, got failed"},
		"no calls": {
			"expect: [{destination: inbox, calls: []}]", "calls:\n          got   POST /channels/1/contacts\n          got   POST /tickets",
		},
		"other calls": {
			"expect: [{destination: inbox, calls: [PUT /x]}]",
			"calls:\n          want  PUT /x\n          got   POST /channels/1/contacts\n          got   POST /tickets",
		},
		"member": {
			"expect: [{destination: inbox, calls: [POST /channels/1/contacts, {method: POST, path: /tickets, body: {subject: Failed, more: {a: 1}}}]}]",
			`call 2 (POST /tickets) body: more is missing, want {"a":1}` + "\n" + `        call 2 (POST /tickets) body.subject: want "Failed", got "Failed 12.50"`,
		},
		"exact": {
			"expect: [{destination: inbox, calls: [POST /channels/1/contacts, {method: POST, path: /tickets, exact: true, body: {subject: Failed 12.50, channel_id: \"1\"}}]}]",
			`call 2 (POST /tickets) body: contact_id is not expected, got "<id of the contact>"`,
		},
		"numbers and dates": {
			"expect: [{destination: crm, calls: [{method: POST, path: /v1/tracking/identityEvent, body: {event: {meta: {amountNum: 12.5, at: 2026-01-02}}}}]}]",
			`call 1 (POST /v1/tracking/identityEvent) body.event.meta: at is missing, want "2026-01-02"`,
		},
		"lookups": {
			"expect: [{destination: inbox, lookups: [/contacts?page=1&term=b@example.com]}]",
			"lookups:\n          want  /contacts?page=1&term=b@example.com\n          got   /contacts?page=1&term=a@example.com",
		},
		"steps":    {"expect: [{destination: inbox, steps: [ticket done]}]", "steps:\n          want  ticket done\n          got   ticket planned"},
		"warnings": {"expect: [{destination: inbox, warnings: [odd]}]", "warnings:\n          want  odd\n          got   none"},
		"unasked answer": {
			"answers: [{get: /nowhere, body: {}}]\n    expect: [{destination: inbox, outcome: dead}]",
			"outcome: want dead, got planned\n      no lookup asked for the answers of /nowhere",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, head+"  - name: one\n"+event+"    "+tt.test+"\n", nil)
			want := "ok    one  (FILE:3)\n1 test, 0 failed\n"
			if tt.want != "" {
				where := "inbox"
				if strings.Contains(tt.test, "destination: crm") {
					where = "crm"
				}
				want = "FAIL  one  (FILE:3)\n      event 1 track Failed at " + where + "\n        " + tt.want + "\n1 test, 1 failed\n"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRun_answersAndKeysStandInForWhatIsThere(t *testing.T) {
	t.Parallel()
	got := run(t, head+`  - name: the ticket of a key is found again
    destinations: [inbox]
    keys: [{destination: inbox, lane: u, key: i, ticket: "42"}]
    answers:
      - {get: "/contacts?page=1&term=a%40example.com", body: {data: [{id: 7, email: a@example.com}]}}
      - {get: /tickets/42, body: {id: 42, status: OPEN}}
    events: [{type: track, event: Failed, userId: u, properties: {id: i}, context: {traits: {email: a@example.com}}}]
    expect: [{calls: [], steps: [ticket skipped]}]
  - name: a desk that refuses
    destinations: [inbox]
    answers: [{get: /contacts?page=1&term=a@example.com, status: 422, body: {message: "no"}}]
    events: [{type: track, event: Failed, userId: u, properties: {id: i}, context: {traits: {email: a@example.com}}}]
    expect: [{outcome: dead, code: http_422}]
`, nil)
	want := "ok    the ticket of a key is found again  (FILE:3)\nok    a desk that refuses  (FILE:11)\n2 tests, 0 failed\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// One test's events leave nothing behind for the next.
func TestRun_eachTestStandsAlone(t *testing.T) {
	t.Parallel()
	one := `    destinations: [inbox]
    events: [{type: track, event: Failed, userId: u, properties: {id: i}, context: {traits: {email: a@example.com}}}]
    expect: [{lookups: [/contacts?page=1&term=a@example.com]}]
`
	got := run(t, head+"  - name: a\n    answers: [{get: /contacts?page=1&term=a@example.com, body: {data: [{id: 7, email: a@example.com}]}}]\n"+one+"  - name: b\n"+one, nil)
	if want := "2 tests, 0 failed\n"; !strings.HasSuffix(got, want) {
		t.Errorf("report:\n%s", got)
	}
}

func TestRun_picksByNameAndShowsWhatToExpect(t *testing.T) {
	t.Parallel()
	tests := head + `  - {name: first, events: [{type: track}]}
  - {name: second, destinations: [crm], events: [{type: track, userId: u, event: Event}]}
`
	shown := run(t, tests, func(o *testfile.Options) { o.Only, o.Show = regexp.MustCompile("sec"), true })
	_, list, _ := strings.Cut(shown, "    expect:\n")
	list, _, _ = strings.Cut(list, "1 test")
	copied := "env: {KEY: a-key-of-sixteen-chars}\ntests:\n  - name: second\n    destinations: [crm]\n    events: [{type: track, userId: u, event: Event}]\n    expect:\n" + list
	if got := run(t, copied, nil); !strings.HasSuffix(got, "1 test, 0 failed\n") || !strings.Contains(list, "externalId: u") {
		t.Errorf("what is shown is not what is expected:\n%s%s", copied, got)
	}
}

func TestLoad_namesThePlaceOfAMistake(t *testing.T) {
	t.Parallel()
	const event = "events: [{type: track, userId: u, event: Event}], "
	for test, want := range map[string]string{
		"  - {name: a, event: []}":                                                            `FILE:3: a test has no key "event", the nearest is events`,
		"  - {events: []}":                                                                    "FILE:3: a test has no name",
		"  - {name: a, expect: [{outcome: dead}]}":                                            `FILE:3: test "a": it has no events`,
		"  - {name: a, " + event + "}":                                                        "it has no expect: run it with --show",
		"  - {name: a, " + event + "expect: [{}]}":                                            "an entry of expect says nothing",
		"  - {name: a, " + event + "expect: [{outcome: delivered}]}":                          "the outcome is planned, not delivered",
		"  - {name: a, " + event + "expect: [{outcome: gone}]}":                               `outcome "gone" is none of planned, skipped, dead`,
		"  - {name: a, " + event + "expect: [{outcome: dead}]}":                               "say which destination is meant: inbox, crm",
		"  - {name: a, " + event + "expect: [{destination: x, outcome: dead}]}":               `no destination of the test is called "x"; there are inbox, crm`,
		"  - {name: a, " + event + "expect: [{event: 2, outcome: dead}]}":                     "there is no event 2, there are 1",
		"  - {name: a, destinations: [x], " + event + "expect: [{outcome: dead}]}":            `no destination is called "x"`,
		"  - {name: a, keys: [{destination: x}], " + event + "expect: [{outcome: dead}]}":     `no destination is called "x"`,
		"  - {name: a, answers: [{get: x}], " + event + "expect: [{outcome: dead}]}":          `get "x" of answers is no path`,
		"  - {name: a, " + event + "expect: [{calls: [GET]}]}":                                "write a call as METHOD PATH",
		"  - {name: a, " + event + "expect: [{calls: [{method: GET, url: /x}]}]}":             `a call has no "url"`,
		"  - {name: a, " + event + "expect: [{calls: [{method: GET}]}]}":                      "a call needs method and path",
		"  - {name: a, events_file: none.ndjson, expect: [{outcome: dead}]}":                  "none.ndjson: no such file",
		"  - {name: a, events: [.nan], expect: [{outcome: dead}]}":                            "JSON has no such number",
		"  - {name: a, " + event + "expect: [{outcome: dead}]}\n  - {name: a, " + event + "}": `FILE:4: there are two tests "a"`,
		"  []": "has no tests",
	} {
		if got := run(t, head+test+"\n", nil); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", test, got, want)
		}
	}
	if got := run(t, "tests: [{name: a, events: [{}], expect: [{event: 1, destination: crm, outcome: dead}]}]", nil); !strings.Contains(got, "KEY is not set") {
		t.Errorf("without its variable: %s", got)
	}
}
