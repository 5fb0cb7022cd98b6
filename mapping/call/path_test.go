package call_test

import (
	"errors"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/call"
)

func TestRead_path(t *testing.T) {
	for given, want := range map[string]string{
		"/v1/teams":                          "/v1/teams",
		"/v1/customers/email=a%40b.nl":       "/v1/customers/email=a@b.nl",
		"/v1/customers/phone=+31612345678":   "/v1/customers/phone=%2B31612345678",
		"/v1/customers/phone=%2B31612345678": "/v1/customers/phone=%2B31612345678",
		"/v1/customers/externalId=a b":       "/v1/customers/externalId=a%20b",
		"/v1/customers/externalId=50%25":     "/v1/customers/externalId=50%25",
		"/v1/customers/externalId=%C3%A9":    "/v1/customers/externalId=%C3%A9",
		"/v1/customers/externalId=é":         "/v1/customers/externalId=%C3%A9",
		"/v1/customers/externalId=a%3Fb%23c": "/v1/customers/externalId=a%3Fb%23c",
		"/v1/customers/externalId=a;b":       "/v1/customers/externalId=a%3Bb",
		"/v1/customers/...":                  "/v1/customers/...",
		"/v1/customers/.hidden":              "/v1/customers/.hidden",
		"":                                   "",
		"v1/teams":                           "",
		"https://example.test/v1/teams":      "",
		"/":                                  "",
		"//example.test/v1/teams":            "",
		"/v1//teams":                         "",
		"/v1/teams/":                         "",
		"/v1/./teams":                        "",
		"/v1/../teams":                       "",
		"/..":                                "",
		"/v1/%2e%2E/teams":                   "",
		"/v1/%2e/teams":                      "",
		"/v1/.%2e/teams":                     "",
		"/v1/%252e%252e/teams":               "",
		"/v1/%25252e%25252e/teams":           "",
		"/v1/..;/teams":                      "",
		"/v1/..%3Bx=1/teams":                 "",
		"/v1/;x/teams":                       "",
		"/v1/..%20/teams":                    "",
		"/v1/%20/teams":                      "",
		"/v1/a%2Fb":                          "",
		"/v1/a%2fb":                          "",
		"/v1/a%252Fb":                        "",
		`/v1/a\b`:                            "",
		"/v1/a%5Cb":                          "",
		"/v1/a%255cb":                        "",
		"/v1/a\tb":                           "",
		"/v1/a%00b":                          "",
		"/v1/a%0D%0AHost:%20b":               "",
		"/v1/a%7F":                           "",
		"/v1/a%C2%85":                        "",
		"/v1/%C0%AE%C0%AE/teams":             "",
		"/v1/%ff":                            "",
		"/v1/a%":                             "",
		"/v1/a%zz":                           "",
		"/v1/teams?page=2":                   "",
		"/v1/teams#top":                      "",
		"/v1/" + strings.Repeat("a", 5000):   "",
		"/v1/" + "%" + strings.Repeat("25", 20) + "2E": "",
	} {
		got, err := read(t, record("GET", given), "GET /**")
		if fault, ok := errors.AsType[*mapping.Error](err); want == "" && (!ok || fault.Code != mapping.InvalidPath || strings.Contains(fault.Message, "teams")) {
			t.Errorf("the path %q gives %q and %v, want invalid_path", given, got.Path, err)
		} else if want != "" && (err != nil || got.Path != want) {
			t.Errorf("the path %q is sent as %q, %v, want %q", given, got.Path, err, want)
		}
	}
}

// bases are the base URLs of both desks: one has a path, the other has none.
var bases = []string{"https://app.trengo.com/api/v2", "https://api.kustomerapp.com", "https://acme.api.kustomerapp.com"}

// FuzzPath shows that no path that is accepted leads out of a base URL, however often it is
// decoded on the way.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/v1/teams", "/%2e%2e/x", "/a%2Fb", "/a;b/..;c", `/a\..\b`, "/%252e%252e/x", "/a%252Fb", "/%25252e./x", "/a%25b", "//a", "/é/%C3%A9", "/a%0ab", "/.%2e%3B/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		ev := mapping.Event{Type: mapping.TypeCall}
		var err error
		if ev.Body, err = mapping.ParseObject([]byte(record("GET", given))); err != nil {
			t.Skip() // not UTF-8: a record cannot have it
		}
		desk, err := call.NewDesk("crm", []string{"GET /**"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		request, err := desk.Read(ev)
		if err != nil {
			return
		}
		for _, base := range bases {
			inside(t, base, request.Path)
		}
	})
}

// inside fails the test when a path leads out of a base URL.
func inside(t *testing.T, base, sent string) {
	t.Helper()
	root, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	full, err := url.Parse(base + sent)
	if err != nil {
		t.Fatalf("%q is sent, and no URL: %v", sent, err)
	}
	if full.Scheme != root.Scheme || full.Host != root.Host || full.User != nil || full.RawQuery != "" || full.Fragment != "" {
		t.Fatalf("%q leads to %s", sent, full)
	}
	count := strings.Count(full.EscapedPath(), "/")
	for decoded := full.EscapedPath(); ; {
		if path.Clean(decoded) != decoded || !strings.HasPrefix(decoded, root.Path+"/") || strings.Count(decoded, "/") != count || strings.Contains(decoded, `\`) {
			t.Fatalf("%q is decoded to %q, which is another place", sent, decoded)
		}
		again, err := url.PathUnescape(decoded)
		if err != nil || again == decoded {
			return
		}
		decoded = again
	}
}
