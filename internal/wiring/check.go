package wiring

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	desks "github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/version"
	"github.com/deskstream/deskstream/sink"
)

// CheckAPI makes one call with the destination's credential.
func CheckAPI(ctx context.Context, d config.Destination) cluster.Finding {
	f := cluster.Finding{What: d.Type, Name: d.Name}
	client := httpClient(d)
	defer client.CloseIdleConnections()
	endpoint := d.Desk().Endpoint()
	kind, _ := all.Kind(d.Type)
	method, address := http.MethodGet, strings.TrimRight(endpoint.URL, "/")+kind.Check
	if kind.Check == "" {
		method, address = http.MethodHead, endpoint.URL
	}
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		f.Failed, f.Text = true, endpoint.Key+" cannot be called"
		return f
	}
	authorize(req, d.Credential())
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		f.Failed, f.Text = true, sink.Redact(output.Transport(err), d.Credential().Secrets()...)+": check "+endpoint.Key+" and the way to it"
		return f
	}
	defer resp.Body.Close()
	if f.Failed, f.Text = apiVerdict(resp); kind.Check == "" {
		f.Failed, f.Text = headVerdict(resp.StatusCode)
	}
	f.Text = sink.Redact(f.Text, d.Credential().Secrets()...) // it quotes a header
	f.Text += fmt.Sprintf(", answered in %d ms", time.Since(began).Milliseconds())
	return f
}

func authorize(req *http.Request, credential desks.Credential) {
	if credential.Key != "" {
		req.Header.Set("Authorization", "Bearer "+credential.Secret.Reveal())
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "deskstream/"+version.Release())
	for name, value := range credential.Headers {
		req.Header.Set(name, value.Reveal())
	}
}

// headVerdict says what the answer to a HEAD shows of an endpoint that need not know HEAD.
func headVerdict(status int) (failed bool, text string) {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return true, fmt.Sprintf("%d: the headers are not accepted: renew the credential in them", status)
	case status >= 500 && status != http.StatusNotImplemented:
		return true, fmt.Sprintf("%d: the endpoint has a fault: try again later", status)
	default:
		return false, fmt.Sprintf("reachable, HEAD was answered with %d; no event was sent", status)
	}
}

// apiVerdict returns what a response says about the credential, and what to do.
func apiVerdict(resp *http.Response) (failed bool, text string) {
	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		limit := resp.Header.Get("x-ratelimit-limit")
		if limit == "" {
			return false, "credential accepted"
		}
		return false, fmt.Sprintf("credential accepted, limit %q per window", limit)
	case status == http.StatusUnauthorized:
		return true, "401: the credential is not accepted: renew it, and check that base_url is of its region"
	case status == http.StatusForbidden:
		return true, "403: the credential lacks rights: give it those on contacts or customers"
	case status == http.StatusNotFound:
		return true, "404: nothing is there: check base_url"
	case status == http.StatusTooManyRequests:
		return true, "429: the limit is used up: try again later"
	case status >= 300 && status < 400:
		return true, fmt.Sprintf("%d: a redirect: check base_url", status)
	default:
		return true, fmt.Sprintf("%d: the API has a fault or refuses the call: try again later", status)
	}
}
