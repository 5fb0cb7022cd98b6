package sink

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// MaxBody is how much of an answer is read. A longer one is cut and so malformed:
// no answer that a help desk documents comes near it.
const MaxBody = 1 << 20

// maxHeader is how much of an answer's header is read; net/http would take 10 MiB.
const maxHeader = 64 << 10

// silence is how long an HTTP/2 connection may bring nothing before it is asked for a sign
// of life, and how long that may take. A network that forgot the connection swallows what is
// sent on it, and TCP tells only after a quarter of an hour.
const silence = 15 * time.Second

// maxRedirects is how many redirects a lookup follows, on its own host only.
const maxRedirects = 5

// Client makes single attempts at calls to one help desk. It repeats nothing.
type Client struct {
	base    string // without a trailing slash
	token   Secret
	agent   string
	timeout time.Duration
	// http is no http.Client, which would follow redirects with the credential and fail on
	// a Location that is no URL, after a write that was answered.
	http http.RoundTripper
	// headers are those of the present token. All requests share them: a RoundTripper may
	// not change a request.
	headers atomic.Pointer[headers]
}

// headers are what requests without and with a body say.
type headers struct {
	token       string
	plain, body http.Header
}

func newClient(c Config) *Client {
	return &Client{
		base: c.baseURL(), token: c.Credential, agent: "deskstream/" + c.Version, timeout: c.Timeout,
		http: c.transport(),
	}
}

func (c Config) transport() http.RoundTripper {
	if c.Transport != nil {
		return c.Transport
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// Every call goes to one host, so the idle connections are as many as calls in flight.
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = c.MaxInFlight
	transport.MaxResponseHeaderBytes = maxHeader
	// In HTTP/2 a call that times out leaves the connection to the others, as if it were well.
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silence}
	return transport
}

// transportError is a call that got no answer.
type transportError struct {
	code    mapping.Code
	refused bool // the connection was refused: nothing listens
	sent    bool // bytes of the request may have reached the help desk
	err     error
}

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

// request is a call as it goes out. It is handed on by its address: copies of it in each
// of the functions that wait for the answer would double the stack of every event.
type request struct {
	Call
	url    string // the call's own
	target string // the same, or where a redirect led
	body   []byte // nil for none; it is in the outcome too, and so may not be changed
}

// bodyRoom is what most bodies fit into.
const bodyRoom = 1 << 10

func (c *Client) request(call *Call) request {
	r := request{Call: *call, url: c.base + call.Path}
	if call.Query != "" {
		r.url += "?" + call.Query
	}
	if call.Body.Exists() {
		r.body = call.Body.AppendJSON(make([]byte, 0, bodyRoom))
	}
	return r
}

// do makes one request. Its error is a *transportError, or the cause of ctx when the
// caller ended it.
func (c *Client) do(ctx context.Context, r *request) (Reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errCallTimeout)
	defer cancel()
	return c.roundTrip(ctx, r)
}

var errCallTimeout = errors.New("no answer within delivery.timeout")

func (c *Client) roundTrip(ctx context.Context, r *request) (Reply, error) {
	// The connection is the last step before bytes can leave. What happens earlier
	// (name look-up, dialling, TLS) has told the help desk nothing.
	// The trace can run after the round trip was given up, hence the atomic.
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	req, err := c.httpRequest(ctx, r)
	if err != nil {
		return Reply{}, &transportError{code: Connection, err: err}
	}
	// net/http sends a request again on its own when a reused connection turns out to
	// be closed, but never a write of ours that may have arrived: a POST or PUT without
	// an Idempotency-Key goes out again only when not a byte of it was written, or when
	// an HTTP/2 server says that it did not handle it.
	resp, err := c.http.RoundTrip(req)
	if err != nil {
		return Reply{}, transportFault(ctx, err, sent.Load())
	}
	defer resp.Body.Close()
	reply := Reply{Status: resp.StatusCode, Header: resp.Header}
	if reply.Status == http.StatusSwitchingProtocols {
		return reply, nil // what follows is no body, and no timeout of net/http ends it
	}
	err = reply.read(resp.Body)
	if err != nil && reply.OK() {
		return Reply{}, transportFault(ctx, err, true)
	}
	return reply, nil // of a refusal the status is enough
}

// read takes in the body, MaxBody bytes at most.
func (r *Reply) read(from io.Reader) error {
	body, err := io.ReadAll(io.LimitReader(from, MaxBody+1))
	r.Cut = len(body) > MaxBody
	r.Body = body[:min(len(body), MaxBody)]
	parsed := r.JSON()
	r.parsed = &parsed
	return err
}

func (c *Client) httpRequest(ctx context.Context, r *request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.target, body)
	if err != nil {
		return nil, fmt.Errorf("building the request of %s: the URL is not valid", r.Op)
	}
	req.Header = c.present().plain
	if body != nil {
		req.Header = c.present().body
	}
	return req, nil
}

// present is the headers with the token as it is now.
func (c *Client) present() *headers {
	token := c.token.Reveal()
	if h := c.headers.Load(); h != nil && h.token == token {
		return h
	}
	h := &headers{token: token, plain: make(http.Header)}
	h.plain.Set("Authorization", "Bearer "+token)
	h.plain.Set("Accept", "application/json")
	h.plain.Set("User-Agent", c.agent)
	h.body = h.plain.Clone()
	h.body.Set("Content-Type", "application/json")
	c.headers.Store(h)
	return h
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

// transportFault puts an error of net/http into one of our few codes.
func transportFault(ctx context.Context, err error, sent bool) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errCallTimeout) {
		return cause
	}
	fault := &transportError{code: Connection, sent: sent, err: err}
	switch {
	case isTimeout(ctx, err):
		fault.code, fault.err = Timeout, errCallTimeout
	case isTLS(err):
		fault.code = TLS
	case errors.Is(err, syscall.ECONNREFUSED):
		fault.refused = true
	}
	return fault
}

func isTimeout(ctx context.Context, err error) bool {
	if errors.Is(context.Cause(ctx), errCallTimeout) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok { // plain HTTP on the port
		return true
	}
	_, ok := errors.AsType[tls.AlertError](err)
	return ok
}
