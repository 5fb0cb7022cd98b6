package sink

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/sink/traces"
)

// maxRedirects is how many redirects a lookup follows, on its own host only.
const maxRedirects = 5

// client makes single attempts at calls to one help desk. It repeats nothing, and neither
// does net/http repeat a write that may have arrived: a POST or PUT without an
// Idempotency-Key goes out again only when not a byte of it was written, or when an HTTP/2
// server says that it did not handle it.
type client struct {
	base    string // without a trailing slash
	token   Secret
	extra   map[string]Secret // headers besides ours
	agent   string
	timeout time.Duration
	// deadlines are those of writes.
	deadlines deadlines
	// transport is no http.Client, which would follow redirects with the credential, and
	// fail on a Location that is no URL after a write that was answered.
	transport http.RoundTripper
	// headers are those of the current secrets.
	headers atomic.Pointer[headers]
}

// headers are the headers of requests without and with a body. All requests share them: a
// RoundTripper may not change a request.
type headers struct {
	secrets     string // those in them, to know whether they have changed
	plain, body http.Header
}

func newClient(c Config) *client {
	made := &client{base: c.baseURL(), token: c.Credential, extra: c.Headers, agent: "deskstream/" + c.Version, timeout: c.Timeout, transport: c.Transport}
	made.deadlines.timeout = c.Timeout
	if made.transport == nil {
		made.transport = newTransport(c, http.ProxyFromEnvironment)
	}
	return made
}

// request is a call as it is sent. It is passed by its address: copies of it in each of the
// functions that wait for the response would double the stack of every event.
type request struct {
	Call
	url    string // the call's own
	target string // the same, or where a redirect led
	body   []byte // nil for none; the outcome has it too, so it may not be changed
	parent traces.Parent
}

func (c *client) request(call *Call) request {
	r := request{Call: *call, url: c.base + call.Path}
	if call.Query != "" {
		r.url += "?" + call.Query
	}
	if call.Body.Exists() {
		r.body = call.Body.AppendJSON(nil)
	}
	return r
}

// do makes one request, which takes Config.Timeout, and deadlineStep more at most. Its error
// is a *transportError, or the cause of ctx when the caller ended it.
func (c *client) do(ctx context.Context, r *request) (Reply, error) {
	ctx, cancel := c.limited(ctx, r)
	defer cancel()
	ctx, trace := traced(ctx)
	if r.recorded {
		trace.punctual(ctx)
	}
	req, err := c.httpRequest(ctx, r)
	if err != nil {
		return Reply{}, &transportError{code: Connection, err: fmt.Errorf("building the request of %s: the URL is not valid", r.Op)}
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return Reply{}, c.fault(ctx, err, trace.sent.Load())
	}
	defer resp.Body.Close()
	if trace.stale() {
		return Reply{}, c.fault(ctx, errStale, true)
	}
	reply, err := replyOf(resp, r.maxBody())
	if err != nil {
		return Reply{}, c.fault(ctx, err, true)
	}
	return reply, nil
}

// limited is ctx for one request. A lookup has a context of its own anyway; writes, which
// have that of their pipeline, share one.
func (c *client) limited(ctx context.Context, r *request) (context.Context, context.CancelFunc) {
	if r.Lookup {
		return context.WithTimeoutCause(ctx, c.timeout, errCallTimeout)
	}
	return c.deadlines.within(ctx), func() {}
}

// fault is the error of a request that got no response. After a timeout the idle
// connections are closed: a network that forgot one connection forgot the others too.
func (c *client) fault(ctx context.Context, err error, sent bool) error {
	err = transportFault(ctx, err, sent)
	if fault, ok := err.(*transportError); ok && fault.code == Timeout { //nolint:errorlint // it is what transportFault made
		c.close()
	}
	return err
}

func (c *client) httpRequest(ctx context.Context, r *request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.target, body)
	if err != nil {
		return nil, err
	}
	h := c.present()
	req.Header = h.plain
	if r.body != nil {
		req.Header = h.body
	}
	if r.parent != (traces.Parent{}) {
		req.Header = req.Header.Clone()
		req.Header.Set(traces.HeaderParent, r.parent.Traceparent)
		if r.parent.Tracestate != "" {
			req.Header.Set(traces.HeaderState, r.parent.Tracestate)
		}
	}
	return req, nil
}

// secrets are the secrets in the headers, as they are now.
func (c *client) secrets() string {
	if len(c.extra) == 0 {
		return c.token.Reveal()
	}
	texts := []string{c.token.Reveal()}
	for _, name := range slices.Sorted(maps.Keys(c.extra)) {
		texts = append(texts, c.extra[name].Reveal())
	}
	return strings.Join(texts, "\x00")
}

// present is the headers with the secrets as they are now.
func (c *client) present() *headers {
	secrets := c.secrets()
	if h := c.headers.Load(); h != nil && h.secrets == secrets {
		return h
	}
	plain := make(http.Header)
	if !c.token.IsZero() {
		plain.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	plain.Set("Accept", "application/json")
	plain.Set("Accept-Encoding", "gzip") // set here, so that no transport decodes it itself
	plain.Set("User-Agent", c.agent)
	for name, value := range c.extra {
		plain.Set(name, value.Reveal())
	}
	body := plain.Clone()
	body.Set("Content-Type", "application/json")
	h := &headers{secrets: secrets, plain: plain, body: body}
	c.headers.Store(h)
	return h
}

// close closes idle connections.
func (c *client) close() {
	if transport, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		transport.CloseIdleConnections()
	}
}

// ownRedirect is where a redirect leads, if it stays on the same scheme and host, so
// that the credential goes to nobody else.
func ownRedirect(from string, reply Reply) (string, bool) {
	if !isRedirect(reply.Status) {
		return "", false
	}
	base, err := url.Parse(from)
	if err != nil {
		return "", false
	}
	location := reply.Header.Get("Location")
	next, err := base.Parse(location)
	if err != nil || location == "" || next.Scheme != base.Scheme || !strings.EqualFold(next.Host, base.Host) {
		return "", false
	}
	return next.String(), true
}

func isRedirect(status int) bool { return status >= 300 && status < 400 }
