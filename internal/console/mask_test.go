package console

import (
	"strings"
	"testing"
)

func TestMask_textsLoseWhatCanBeOfAPerson(t *testing.T) {
	m := &masker{key: []byte("k")}
	for text, want := range map[string]string{
		"no contact has the event's address":               "no contact has the event's address",
		"contact ann@example.com exists":                   "contact ••• exists",
		`the value "Ann Smith" of "traits.email" is wrong`: `the value "•••" of "traits.email" is wrong`,
		"call +31 6 1234 5678 back":                        "call ••• back",
		"ann%40example.com":                                "•••",
		"partition 3, offset 118200 of events":             "partition 3, offset 118200 of events",
		"at 2026-12-01T07:06:14Z":                          "at 2026-12-01T07:06:14Z",
		"connecting to Kafka at 127.0.0.1:9092: refused":   "connecting to Kafka at 127.0.0.1:9092: refused",
	} {
		if got := m.text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestMask_addressesLoseTheirValues(t *testing.T) {
	m := &masker{key: []byte("k")}
	for text, want := range map[string]string{
		"https://api.example.com/v1/customers/email=ann@example.com": "https://api.example.com/v1/customers/•••",
		"https://api.example.com/v1/customers/externalId=ann":        "https://api.example.com/v1/customers/externalId=•••",
		"https://api.example.com/v1/customers/5f1b/events":           "https://api.example.com/v1/customers/5f1b/events",
		"https://app.example.com/contacts?term=ann%40a.b&page=1":     "https://app.example.com/contacts?term=•••&page=•••",
		"https://app.example.com/c/%2B31612345678":                   "https://app.example.com/c/•••",
		"http://127.0.0.1:4000/contacts":                             "http://127.0.0.1:4000/contacts",
	} {
		if got := m.url(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestMask_idsLoseWhatNamesAPerson(t *testing.T) {
	m := &masker{key: []byte("k")}
	for text, want := range map[string]string{
		"m-1":                                  "m-1",
		"signup-ann@example.com":               "•••",
		"sms-+31612345678":                     "sms-•••",
		"track Paid":                           "track Paid",
		"00123456-1234-4567-8901-001234567890": "00123456-1234-4567-8901-001234567890",
	} {
		if got := m.id(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if shown := (&masker{show: true}).id("ann@example.com"); shown != "ann@example.com" {
		t.Errorf("shown, it is %q", shown)
	}
}

func TestMask_jsonKeepsItsMembersAndItsNumbersAsTheyWere(t *testing.T) {
	const event = `{"type":"track","event":"Paid","messageId":"m-1","userId":9007199254740993,"a@b.c":1,"list":[1,{"name":"Ann"}],"ok":true,"none":null,"event ":"x"}`
	masked := (&masker{key: []byte("k")}).event([]byte(event))
	for _, want := range []string{`"type": "track"`, `"event": "Paid"`, `"userId": "•••"`, `"•••": "•••"`, `"name": "•••"`, `"ok": true`, `"none": null`} {
		if !strings.Contains(masked, want) {
			t.Errorf("it lacks %s:\n%s", want, masked)
		}
	}
	if strings.Contains(masked, "Ann") || strings.Contains(masked, "9007") {
		t.Errorf("it has a value:\n%s", masked)
	}
	if shown := (&masker{show: true}).event([]byte(event)); !strings.Contains(shown, "9007199254740993") || !strings.Contains(shown, "Ann") {
		t.Errorf("shown, it lacks a value:\n%s", shown)
	}
	if body := (&masker{key: []byte("k")}).body([]byte(`{"id":9007199254740993,"contact":{"id":"ann@example.com"}}`)); !strings.Contains(body, `"id": 9007199254740993`) || strings.Contains(body, "ann") {
		t.Errorf("the body becomes\n%s", body)
	}
	for _, broken := range []string{"{", `{"a":}`, "no json: ann", strings.Repeat("[", 1000)} {
		if got := (&masker{key: []byte("k")}).event([]byte(broken)); got != hidden {
			t.Errorf("%.20q becomes %q", broken, got)
		}
	}
}

func TestMask_aPersonHasOnePseudonymThatNobodyCanGuess(t *testing.T) {
	m, other := &masker{key: []byte("one")}, &masker{key: []byte("two")}
	ann := m.person("ann")
	if again := m.person("ann"); ann != again || m.person("ann") == m.person("ben") || m.person("ann") == other.person("ann") || m.person("") != "" {
		t.Errorf("the pseudonyms are %s, %s and %s", m.person("ann"), m.person("ben"), other.person("ann"))
	}
}
