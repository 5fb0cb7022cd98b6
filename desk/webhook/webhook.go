// Package webhook describes a webhook as a help desk: an HTTP endpoint of the owner's own that
// takes each event as JSON.
package webhook

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/deskstream/deskstream/desk"
	stubwebhook "github.com/deskstream/deskstream/internal/stub/webhook"
	mapping "github.com/deskstream/deskstream/mapping/webhook"
	"github.com/deskstream/deskstream/sink"
	sender "github.com/deskstream/deskstream/sink/webhook"
)

// Kind describes a webhook.
func Kind() desk.Kind {
	return desk.Kind{
		Name: "webhook", Title: "webhook",
		Requests: 60_000, // ours: an endpoint of the owner's own documents none
		Settings: func() desk.Settings { return new(Settings) },
		Route:    route,
		CannotMerge: func(desk.Settings) string {
			return "a webhook gets each event as it is; remove coalesce"
		},
		Stub: stubwebhook.New,
		Demo: demo,
	}
}

// Settings is the settings of a webhook destination.
type Settings struct {
	URL           string                 `yaml:"url" required:"true" doc:"Where each event is posted. It stands in outcomes and logs: what is secret belongs in headers."`
	Headers       map[string]sink.Secret `yaml:"headers" reload:"true" doc:"Headers of each request, as {Authorization: \"${file:/run/secrets/hook}\"}. Their values are secrets."`
	AllowInsecure bool                   `yaml:"allow_insecure" default:"false" doc:"Plain http to another host than loopback."`
}

// Endpoint implements desk.Settings. Calls have the URL's path.
func (s *Settings) Endpoint() desk.Endpoint {
	base, _ := s.split()
	return desk.Endpoint{Key: "url", URL: s.URL, Base: base, AllowInsecure: s.AllowInsecure}
}

// split cuts the URL before its path.
func (s *Settings) split() (base, path string) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return s.URL, ""
	}
	base = u.Scheme + "://" + u.Host
	path, ok := strings.CutPrefix(s.URL, base)
	if !ok {
		return s.URL, ""
	}
	return base, path
}

// Credential implements desk.Settings.
func (s *Settings) Credential() desk.Credential { return desk.Credential{Headers: s.Headers} }

// ownHeaders are the headers that the program or the connection sets, in lower case.
var ownHeaders = []string{
	"accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "host", "te", "trailer",
	"transfer-encoding", "upgrade", "user-agent",
	// One value for all events is no key, and net/http repeats writes that have one.
	"idempotency-key", "x-idempotency-key",
}

// Validate implements desk.Settings.
func (s *Settings) Validate() error {
	var problems []error
	names := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		path, lower := "headers."+name, strings.ToLower(name)
		again := names[lower]
		names[lower] = true
		switch text := s.Headers[name].Reveal(); {
		case again:
			problems = append(problems, fmt.Errorf("%s: the header is given twice, since case makes no difference", path))
		case !httpguts.ValidHeaderFieldName(name):
			problems = append(problems, errors.New("headers: a name is letters, digits and -"))
		case slices.Contains(ownHeaders, lower):
			problems = append(problems, fmt.Errorf("%s: is set by deskstream and cannot be given", path))
		case strings.TrimSpace(text) == "":
			problems = append(problems, fmt.Errorf("%s: must not be blank", path))
		case strings.TrimSpace(text) != text || !httpguts.ValidHeaderFieldValue(text):
			problems = append(problems, fmt.Errorf("%s: must be one line of printable text without blanks around it", path))
		}
	}
	return errors.Join(problems...)
}

func route(d desk.Destination, s desk.Settings, _ *sink.IDs) (sink.Route, error) {
	_, path := s.(*Settings).split()
	return sink.NewRoute(sink.DestinationInfo{Name: d.Name, Type: Kind().Name}, d.Filter, mapping.Map, sender.New(path).Send), nil
}

func demo(baseURL string) string {
	return `
name: audit-hook
webhook:
  url: ` + baseURL + `/in
  headers: {Authorization: Bearer demo-webhook}
`
}
