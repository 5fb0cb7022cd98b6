package sink_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// echoes are answers in which a credential comes back in every place and spelling.
func echoes(secret string) []string {
	var unicode strings.Builder
	for _, r := range secret {
		fmt.Fprintf(&unicode, `\u%04x`, r)
	}
	quoted, _ := json.Marshal(secret)
	escaped := string(quoted[1 : len(quoted)-1])
	return []string{
		`{"message":"x` + strings.Repeat("y", 290) + escaped + `","deep":[{"` + escaped + `":"<` + escaped + `>"}],"n":3412,"t":true}`,
		`{"message":"` + unicode.String() + `"}`,
		"<p>" + secret + "</p>" + escaped + url.QueryEscape(secret),
		`"` + strings.Repeat("z", 16<<10-4) + escaped + `"`,
	}
}

// refusing is a destination with the credential whose API refuses each call with body.
func refusing(t *testing.T, secret, body string) *sink.Destination {
	t.Helper()
	c := config(script(func() (*http.Response, error) { return answer(422, body) }))
	c.Credential = sink.NewSecret(secret)
	c.Alone, c.Retry.MaxAttempts = true, 1 // a body that is not the API's own is no refusal
	return destination(t, c)
}

// An id of an earlier answer, and what a merged list holds of one, go into later calls.
func TestRoute_credentialIsNowhereInAnOutcome(t *testing.T) {
	for _, secret := range []string{credential, "plain-token-of-16", "é\u2028é\u2028é\u2028éé", "a b+c a b+c a b+c"} {
		t.Run(secret, func(t *testing.T) {
			for _, body := range echoes(secret) {
				call := update
				call.Path = "/things/" + url.PathEscape(secret)
				call.Query = url.Values{"q": {secret}}.Encode()
				call.Body = mapping.Obj(mapping.Member{Name: secret, Value: mapping.Str("<" + secret + ">")})
				route := receiving(sink.Receipt{IDs: map[string]string{"thing_id": secret}}, call)
				outcome, err := mapping.ParseJSON([]byte(encode(t, deliverValue(t, refusing(t, secret, body), route, []byte(track)))))
				if err != nil {
					t.Fatalf("the outcome is no JSON: %v", err)
				}
				for _, text := range texts(outcome) {
					for _, part := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), secret[:8]} {
						if strings.Contains(text, part) {
							t.Errorf("%q of the credential stands in %.400q", part, text)
						}
					}
				}
			}
		})
	}
}

// Also a credential that is short enough to be in other words is taken out of what the API says.
func TestRoute_shortCredentialIsInNothingThatTheAPISays(t *testing.T) {
	for _, secret := range []string{"12", "true", `"q`, "é\u2028", "a b+c", "plain-token"} {
		t.Run(secret, func(t *testing.T) {
			for _, body := range echoes(secret) {
				o := deliverValue(t, refusing(t, secret, body), calling(update), []byte(track))
				response, err := mapping.ParseJSON([]byte(o.Calls[0].Response.String()))
				if err != nil {
					t.Fatalf("the response is no JSON: %v", err)
				}
				_, detail, _ := strings.Cut(o.Error.Message, ": ")
				for _, text := range append(texts(response), detail) {
					if strings.Contains(text, secret) {
						t.Errorf("the credential %q stands in %.400q", secret, text)
					}
				}
			}
		})
	}
}

// texts are the names, texts and numbers of a value.
func texts(v mapping.Value) []string {
	if v.Kind() == mapping.String || v.Kind() == mapping.Number {
		return []string{v.Text()}
	}
	var found []string
	for _, m := range v.Members() {
		found = append(append(found, m.Name), texts(m.Value)...)
	}
	return found
}

// receiving is a route whose events need these calls and have the receipt.
func receiving(receipt sink.Receipt, calls ...sink.Call) sink.Route {
	return sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) { return ev, nil },
		func(ctx context.Context, do sink.Doer, _ mapping.Event) (sink.Receipt, error) {
			for _, call := range calls {
				if _, err := do.Do(ctx, call); err != nil {
					return receipt, err
				}
			}
			return receipt, nil
		})
}

// With a credential that is a part of everything, an outcome says the same as with any other.
func TestRoute_shortCredentialChangesNothingOfOurs(t *testing.T) {
	outcome := func(secret string) sink.Outcome {
		desk := script(
			func() (*http.Response, error) { return answer(302, "", "Location", "/api/v2/things?name=x") },
			func() (*http.Response, error) { return answer(200, `{}`) },
			func() (*http.Response, error) { return answer(422, "") },
		)
		c := config(desk)
		c.BaseURL, c.Credential = "http://desk.example/api/v2", sink.NewSecret(secret)
		write := update
		write.Path = "/things/track-7"
		write.Body = mapping.Obj(mapping.Member{Name: "externalId", Value: mapping.Str("track-7")}, mapping.Member{Name: "amount", Value: mapping.Num("42.10")})
		receipt := sink.Receipt{IDs: map[string]string{"thing_id": "desk-thing-42"}, Warnings: []string{"the birthday 1042 is no date"}}
		d := destination(t, c)
		s := d.Session(enter(t, d.Gate(), "track-lane-42"), forever())
		s.Lane = "track-lane-42"
		o, err := receiving(receipt, find, write).Deliver(t.Context(), s, []byte(`{"type":"track","event":"desk track 42","messageId":"track-m-42"}`))
		if err != nil || len(o.Calls) != 2 {
			t.Fatalf("outcome = %+v, %v, want one of 2 calls", o, err)
		}
		o.At = sink.Time{}
		for i := range o.Calls {
			o.Calls[i].DurationMS = nil
		}
		return o
	}
	want := encode(t, outcome("unlike-anything-else"))
	for _, secret := range []string{"a", "t", "42", "e", "desk", "track", "/", "http_422", "thing_id", "externalId", "track-lane-42", "API answered 42"} {
		if diff := cmp.Diff(want, encode(t, outcome(secret))); diff != "" {
			t.Errorf("with the credential %q (-want +got):\n%s", secret, diff)
		}
	}
}

func TestSecret_redactKnowsWhatIsNoChance(t *testing.T) {
	long := sink.NewSecret("0123456789abcdef")
	if got := long.Redact("malformed header: Bearer 0123456789abcdef"); got != "malformed header: Bearer [redacted]" {
		t.Errorf("Redact = %q", got)
	}
	for _, short := range []string{"", "e", "malformed", "0123456789abcde"} {
		const text = "malformed header: 0123456789abcde"
		if got := sink.NewSecret(short).Redact(text); got != text {
			t.Errorf("the secret %q makes of %q %q", short, text, got)
		}
	}
}
