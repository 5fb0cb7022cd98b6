package sink

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// maxHeader is how much of a response's header is read; net/http would take 10 MiB.
const maxHeader = 64 << 10

// silence is how long an HTTP/2 connection may be silent before it is pinged, and how long
// the answer may take. What is sent on a connection that the network has forgotten is lost,
// and TCP reports it only after a quarter of an hour.
const silence = 15 * time.Second

// newTransport is a transport tuned for one host. proxy is asked once: all calls go to the
// host of the base URL.
func newTransport(c Config, proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	if base, err := url.Parse(c.baseURL()); err == nil {
		if via, err := proxy(&http.Request{URL: base}); via != nil || err != nil {
			transport.Proxy = func(*http.Request) (*url.URL, error) { return via, err }
		}
	}
	// Every call goes to one host, so the idle connections are as many as calls in flight.
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = c.MaxInFlight
	transport.MaxResponseHeaderBytes = maxHeader
	transport.TLSClientConfig = c.TLS.Clone() // a clone of none is none
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if !mayDial(ctx) {
			return nil, errDials
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &counted{Conn: conn}, nil
	}
	// In HTTP/2 a call that times out leaves its connection to the other calls.
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silence}
	return transport
}

// transportError is a call that got no response.
type transportError struct {
	code    mapping.Code
	refused bool // the connection was refused: nothing listens
	sent    bool // bytes of the request may have reached the help desk
	err     error
}

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

var errCallTimeout = errors.New("no answer within delivery.timeout")

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
		fault.refused, fault.sent = true, false
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

// isTLS reports whether TLS failed. Not all such errors have a type that is exported, but
// crypto/tls begins the text of each, also of an alert and of a refused certificate, so.
func isTLS(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.HasPrefix(err.Error(), "tls: ") {
			return true
		}
	}
	return false
}
