package wiring

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	desks "github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
)

// Caller returns what makes single calls at a destination's API, for what is no event: nothing of
// them is recorded.
func Caller(d config.Destination) desks.Caller {
	client := httpClient(d)
	return func(ctx context.Context, method, path string, body []byte) ([]byte, error) {
		op, _, _ := strings.Cut(path, "?")
		req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(d.BaseURL(), "/")+path, bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("calling %s %s: the address cannot be called", method, op)
		}
		authorize(req, d.Credential())
		if body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, fmt.Errorf("calling %s %s: %s", method, op, sink.Redact(output.Transport(err), d.Credential().Secrets()...))
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(resp.Body, sink.MaxBody))
		if err != nil {
			return nil, fmt.Errorf("reading the answer to %s %s: %s", method, op, output.Transport(err))
		}
		if resp.StatusCode < 200 || resp.StatusCode > 299 {
			return nil, fmt.Errorf("calling %s %s: the desk answered with %d%s", method, op, resp.StatusCode, adviceOf(resp.StatusCode))
		}
		return answer, nil
	}
}

// httpClient is for single calls at a destination's API. It follows no redirects, so that the credential
// goes to the configured host only.
func httpClient(d config.Destination) *http.Client {
	client := &http.Client{
		Timeout:       d.Delivery.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if settings := d.Delivery.TLS.Client(); settings != nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.TLSClientConfig = settings.Clone()
		own.DisableKeepAlives = true // nobody closes it
		client.Transport = own
	}
	return client
}

func adviceOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return ": the credential is not accepted"
	case http.StatusForbidden:
		return ": the credential lacks the right to webhooks"
	case http.StatusTooManyRequests:
		return ": its rate limit is used up, try again later"
	}
	return ""
}
