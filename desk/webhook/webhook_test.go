package webhook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/desk/webhook"
	"github.com/deskstream/deskstream/sink"
)

func TestValidate_headers(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"Authorization", "Bearer t0ken", ""},
		{"X-Key", "a\tb", ""},
		{"Bad Name", "v", "headers: a name is letters, digits and -"},
		{"host", "elsewhere.example.com", "headers.host: is set by deskstream and cannot be given"},
		{"Content-Length", "1", "headers.Content-Length: is set by deskstream and cannot be given"},
		{"Idempotency-Key", "one", "headers.Idempotency-Key: is set by deskstream and cannot be given"},
		{"X-Key", " ", "headers.X-Key: must not be blank"},
		{"X-Key", "one\r\nX-Other: two", "headers.X-Key: must be one line of printable text without blanks around it"},
		{"X-Key", "end ", "headers.X-Key: must be one line of printable text without blanks around it"},
	} {
		s := &webhook.Settings{URL: "https://hooks.example.com/in", Headers: map[string]sink.Secret{tt.name: sink.NewSecret(tt.value)}}
		got := ""
		if err := s.Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q: %q, want %q", tt.name, tt.value, got, tt.want)
		}
		if strings.TrimSpace(tt.value) != "" && strings.Contains(got, tt.value) {
			t.Errorf("%s: the error %q shows the value", tt.name, got)
		}
	}
}

func TestValidate_oneHeaderInTwoCases(t *testing.T) {
	s := &webhook.Settings{Headers: map[string]sink.Secret{"X-Key": sink.NewSecret("a"), "x-key": sink.NewSecret("b")}}
	if err := s.Validate(); err == nil || err.Error() != "headers.x-key: the header is given twice, since case makes no difference" {
		t.Errorf("error = %v", err)
	}
}

// Calls go to the URL as it is written.
func TestEndpoint_isCutBeforeThePath(t *testing.T) {
	for url, want := range map[string]string{
		"https://hooks.example.com/in":       "https://hooks.example.com",
		"https://hooks.example.com:8443/in/": "https://hooks.example.com:8443",
		"https://hooks.example.com":          "https://hooks.example.com",
		"https://hooks.example.com/a%2Fb/":   "https://hooks.example.com",
	} {
		s := &webhook.Settings{URL: url}
		endpoint := s.Endpoint()
		if diff := cmp.Diff([]string{"url", url, want}, []string{endpoint.Key, endpoint.URL, endpoint.Base}); diff != "" {
			t.Errorf("endpoint (-want +got):\n%s", diff)
		}
	}
}
