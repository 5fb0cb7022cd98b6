package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

// Half of what an API answers contains a credential of a few letters.
func TestParse_shortCredentialsAreRefusedOrWarnedAbout(t *testing.T) {
	const (
		ok      = "ok"
		warned  = "has fewer than 16 characters"
		refused = "must have at least 8 characters"
	)
	for _, tt := range []struct{ credential, baseURL, want string }{
		{"a", "", refused},
		{"0123456", "", refused},
		{"01234567", "", warned},
		{"0123456789abcde", "", warned},
		{"0123456789abcdef", "", ok},
		{"a", "http://127.0.0.1:9500/trengo/api/v2", warned},
		{"a", "https://localhost", warned},
		{"a", "\"http://[::1]:80\"", warned},
		{"0123456789abcdef", "http://127.0.0.1:9500", ok},
		{"a", "https://desk.example.com", refused},
		{"a", "https://127.0.0.1.example.com", refused},
		{"a", "http://stub:9500, allow_insecure: true", refused},
		{"01234567", "http://stub:9500, allow_insecure: true", warned},
	} {
		for typ, key := range map[string]string{"trengo": "api_token", "kustomer": "api_key"} {
			settings := fmt.Sprintf("%s: %q", key, tt.credential)
			if tt.baseURL != "" {
				settings += ", base_url: " + tt.baseURL
			}
			c, err := config.Parse("test.yaml", fmt.Appendf(nil, "destinations:\n  - name: a\n    type: %s\n    %[1]s: {%s}\n", typ, settings), testEnvironment)
			got, message := ok, ""
			switch {
			case err != nil:
				got, message = refused, err.Error()
			case len(c.Warnings().List) > 0:
				got, message = warned, c.Warnings().Error()
			}
			place := fmt.Sprintf("destinations[0].%s.%s: %s", typ, key, tt.want)
			if got != tt.want || tt.want != ok && !strings.Contains(message, place) {
				t.Errorf("%s: %s %q, want %s", settings, got, message, tt.want)
			}
			if strings.Contains(message, tt.credential+",") || strings.Contains(message, `"`+tt.credential) {
				t.Errorf("%s: the credential shows in %s", settings, message)
			}
		}
	}
}

func TestParse_warningsHaveTheirPlace(t *testing.T) {
	c := parse(t, `destinations:
  - {name: two, type: kustomer, kustomer: {base_url: "http://127.0.0.1:1", api_key: b}}
  - name: one
    type: trengo
    trengo:
      api_token: t0ken-of-a-stub
`, nil)
	want := `test.yaml:2:85: warning: destinations[0].kustomer.api_key: has fewer than 16 characters: an answer of the API that contains it by chance is shown with [redacted]; use a longer one
    2 |   - {name: two, type: kustomer, kustomer: {base_url: "http://127.0.0.1:1", api_key: [redacted]
      |                                                                                     ^
test.yaml:6:18: warning: destinations[1].trengo.api_token: has fewer than 16 characters: an answer of the API that contains it by chance is shown with [redacted]; use a longer one
    6 |       api_token: [redacted]
      |                  ^`
	if got := c.Warnings().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
