package sink

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// transported is the wire over an http.RoundTripper. That is no http.Client, which would
// follow redirects with the credential and fail on a Location that is no URL, after a write
// that was answered.
type transported struct {
	transport http.RoundTripper
	timeout   time.Duration
}

// silence is how long an HTTP/2 connection may bring nothing before it is asked for a sign
// of life, and how long that may take. A network that forgot the connection swallows what is
// sent on it, and TCP tells only after a quarter of an hour.
const silence = 15 * time.Second

// proxied is net/http's transport, tuned for one host.
func (c Config) proxied(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = proxy
	// Every call goes to one host, so the idle connections are as many as calls in flight.
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = c.MaxInFlight
	transport.MaxResponseHeaderBytes = maxHeader
	// In HTTP/2 a call that times out leaves the connection to the others, as if it were well.
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silence}
	return transport
}

func (t *transported) exchange(ctx context.Context, r *request, h *headers) (Reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.timeout, errCallTimeout)
	defer cancel()
	// The connection is the last step before bytes can leave. What happens earlier
	// (name look-up, dialling, TLS) has told the help desk nothing.
	// The trace can run after the round trip was given up, hence the atomic.
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	req, err := httpRequest(ctx, r, h)
	if err != nil {
		return Reply{}, badRequest(r)
	}
	// net/http sends a request again on its own when a reused connection turns out to
	// be closed, but never a write of ours that may have arrived: a POST or PUT without
	// an Idempotency-Key goes out again only when not a byte of it was written, or when
	// an HTTP/2 server says that it did not handle it.
	resp, err := t.transport.RoundTrip(req)
	if err != nil {
		return Reply{}, transportFault(ctx, err, sent.Load())
	}
	defer resp.Body.Close()
	reply, _, err := replyOf(resp)
	if err != nil {
		return Reply{}, transportFault(ctx, err, true)
	}
	return reply, nil
}

func httpRequest(ctx context.Context, r *request, h *headers) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.target, body)
	if err != nil {
		return nil, err
	}
	req.Header = h.of(r).fields
	return req, nil
}

func (t *transported) close() {
	if transport, ok := t.transport.(interface{ CloseIdleConnections() }); ok {
		transport.CloseIdleConnections()
	}
}
