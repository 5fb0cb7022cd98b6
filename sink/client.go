package sink

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/deskstream/deskstream/mapping"
)

// MaxBody is how much of an answer is read. A longer one is cut and so malformed:
// no answer that a help desk documents comes near it.
const MaxBody = 1 << 20

// maxHeader is how much of an answer's header is read; net/http would take 10 MiB.
const maxHeader = 64 << 10

// maxRedirects is how many redirects a lookup follows, on its own host only.
const maxRedirects = 5

// Client makes single attempts at calls to one help desk. It repeats nothing.
type Client struct {
	base  string // without a trailing slash
	token Secret
	agent string
	wire  wire
	// headers are those of the present token.
	headers atomic.Pointer[headers]
}

// wire carries requests and answers.
type wire interface {
	// exchange makes one request, and takes Config.Timeout at most. Its error is a
	// *transportError, or the cause of ctx when that ended.
	exchange(ctx context.Context, r *request, h *headers) (Reply, error)
	// close closes connections that are idle.
	close()
}

// headers are what requests without and with a body say. All requests share them: a
// RoundTripper may not change a request.
type headers struct {
	token       string
	plain, body header
}

type header struct {
	fields http.Header
	lines  []byte // the same as it is sent
}

func newHeader(fields http.Header) header {
	var lines bytes.Buffer
	_ = fields.Write(&lines) // a buffer takes all
	return header{fields: fields, lines: lines.Bytes()}
}

func (h *headers) of(r *request) *header {
	if r.body != nil {
		return &h.body
	}
	return &h.plain
}

func newClient(c Config) *Client {
	return &Client{base: c.baseURL(), token: c.Credential, agent: "deskstream/" + c.Version, wire: c.wire(http.ProxyFromEnvironment)}
}

// wire is the one over Config.Transport, if that is set. Where there is a proxy for the help
// desk it is net/http's, which knows all kinds of them.
func (c Config) wire(proxy func(*http.Request) (*url.URL, error)) wire {
	if c.Transport != nil {
		return &transported{transport: c.Transport, timeout: c.Timeout}
	}
	if base, err := url.Parse(c.baseURL()); err == nil {
		if via, err := proxy(&http.Request{URL: base}); via == nil && err == nil {
			return newDirect(base, c.Timeout)
		}
	}
	// It says for each call what is wrong, if something is.
	return &transported{transport: c.proxied(proxy), timeout: c.Timeout}
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
	return c.wire.exchange(ctx, r, c.present())
}

func badRequest(r *request) error {
	return &transportError{code: Connection, err: fmt.Errorf("building the request of %s: the URL is not valid", r.Op)}
}

// replyOf takes in an answer, and reports whether that was all of it. The error is one of
// reading it; of a refusal the status is enough.
func replyOf(resp *http.Response) (reply Reply, whole bool, err error) {
	reply = Reply{Status: resp.StatusCode, Header: resp.Header}
	if reply.Status == http.StatusSwitchingProtocols {
		return reply, false, nil // what follows is no body, and no timeout of net/http ends it
	}
	err = reply.read(decoded(resp))
	return taken(reply, err)
}

// taken is an answer as far as it could be read.
func taken(reply Reply, fault error) (_ Reply, whole bool, err error) {
	if fault != nil && reply.OK() {
		return Reply{}, false, fault
	}
	return reply, fault == nil && !reply.Cut, nil
}

// decoded is an answer's body without the compression that was offered.
func decoded(resp *http.Response) io.Reader {
	body := io.Reader(resp.Body)
	// Of several codings the last was applied last. x-gzip is gzip: RFC 9110, 8.4.1.3.
	for _, coding := range slices.Backward(strings.Split(resp.Header.Get("Content-Encoding"), ",")) {
		if coding = strings.ToLower(strings.TrimSpace(coding)); coding == "gzip" || coding == "x-gzip" {
			body = &gunzipped{from: body}
		}
	}
	return body
}

// gunzipped begins when it is read, so that nonsense is a body that cannot be read.
type gunzipped struct {
	from io.Reader
	gzip *gzip.Reader
}

func (g *gunzipped) Read(p []byte) (int, error) {
	if g.gzip == nil {
		var err error
		if g.gzip, err = gzip.NewReader(g.from); err != nil {
			return 0, err
		}
	}
	return g.gzip.Read(p)
}

// read takes in the body, MaxBody bytes at most.
func (r *Reply) read(from io.Reader) error {
	body, err := io.ReadAll(io.LimitReader(from, MaxBody+1))
	r.Cut = len(body) > MaxBody
	r.Body = body[:min(len(body), MaxBody)]
	r.parse()
	return err
}

// present is the headers with the token as it is now.
func (c *Client) present() *headers {
	token := c.token.Reveal()
	if h := c.headers.Load(); h != nil && h.token == token {
		return h
	}
	plain := make(http.Header)
	plain.Set("Authorization", "Bearer "+token)
	plain.Set("Accept", "application/json")
	plain.Set("Accept-Encoding", "gzip") // said, so that no transport decodes by itself
	plain.Set("User-Agent", c.agent)
	body := plain.Clone()
	body.Set("Content-Type", "application/json")
	h := &headers{token: token, plain: newHeader(plain), body: newHeader(body)}
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
	location := reply.header("Location")
	next, err := base.Parse(location)
	if err != nil || location == "" || next.Scheme != base.Scheme || !strings.EqualFold(next.Host, base.Host) {
		return "", false
	}
	return next.String(), true
}

func isRedirect(status int) bool { return status >= 300 && status < 400 }

var errCallTimeout = errors.New("no answer within delivery.timeout")

// transportFault puts an error of a wire into one of our few codes.
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
	// An alert, ours or the server's, has no type that is exported; this is how crypto/tls
	// names its operation. A version that is too old is a plain error there.
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return true
	}
	return strings.Contains(err.Error(), "tls: server selected unsupported protocol version")
}
