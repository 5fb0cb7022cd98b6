package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/deskstream/deskstream/sink"
)

// Config says where the registry is and how to be let in.
type Config struct {
	// URLs are its addresses, one at least. The first that answers is asked first from
	// then on.
	URLs []string
	// Username and Password are for basic authentication, Token is a bearer token.
	Username        string
	Password, Token sink.Secret
	// TLS is for https; nil is the system's.
	TLS *tls.Config
	// Version goes to the registry in the User-Agent header.
	Version string
	// Transport makes the requests, nil is one over TCP with TLS.
	Transport http.RoundTripper
	// UnknownGrace is for how long Find waits for an id that no address knows, from when
	// it was first seen.
	UnknownGrace time.Duration
	// Asked, if set, is called for each question with how it ended.
	Asked func(Result)
}

// Result is how a question to the registry ended.
type Result string

// The results.
const (
	Found   Result = "found"
	Unknown Result = "unknown" // the registry says that it does not have it
	Failed  Result = "failed"  // no answer, or one that says nothing about the schema
)

const (
	// requestTimeout bounds one request to one address.
	requestTimeout = 10 * time.Second
	// maxAnswer bounds the body of an answer, in bytes.
	maxAnswer = 4 << 20
)

// errTooLarge is an answer that is longer than any schema has a reason to be.
var errTooLarge = errors.New("the response is larger than 4 MiB")

// client asks the registry at one address after the other.
type client struct {
	addresses []address
	preferred atomic.Int64
	asked     func(Result)
	caller    *http.Client
}

type address struct {
	url string
	sr  *sr.Client
	// native is where the registry answers in Apicurio's own way, nil if it does not.
	native *sr.Client
}

func newClient(c Config) (*client, error) {
	transport := c.Transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.TLSClientConfig = c.TLS
		transport = own
	}
	caller := &http.Client{
		Timeout: requestTimeout, Transport: bounded{transport},
		// The credential goes to the configured addresses only.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	made := &client{asked: c.Asked, caller: caller}
	if made.asked == nil {
		made.asked = func(Result) {}
	}
	for _, u := range c.URLs {
		opts := []sr.ClientOpt{sr.URLs(u), sr.HTTPClient(caller), sr.UserAgent("deskstream/" + c.Version)}
		switch {
		case !c.Token.IsZero():
			opts = append(opts, sr.BearerToken(c.Token.Reveal()))
		case c.Username != "":
			opts = append(opts, sr.BasicAuth(c.Username, c.Password.Reveal()))
		}
		at := address{url: u}
		var err error
		if at.sr, err = sr.NewClient(opts...); err != nil {
			return nil, fmt.Errorf("setting up the schema registry's client: %w", err)
		}
		if at.native, err = nativeClient(u, opts); err != nil {
			return nil, fmt.Errorf("setting up the client of Apicurio's own API: %w", err)
		}
		made.addresses = append(made.addresses, at)
	}
	if made.addresses == nil {
		return nil, errors.New("setting up the schema registry's client: no address is given")
	}
	return made, nil
}

// ask puts a question to one address after the other until one has what was asked for.
// An address that is down, or lags, must not hide one that does not: only when
// none has it, one that says so is believed.
func ask[T any](ctx context.Context, c *client, question func(context.Context, address) (T, error)) (T, error) {
	var none T
	var failures []error
	var unknown error
	first := int(c.preferred.Load())
	for i := range c.addresses {
		at := (first + i) % len(c.addresses)
		answer, err := question(ctx, c.addresses[at])
		switch {
		case err == nil:
			c.asked(Found)
			c.preferred.Store(int64(at))
			return answer, nil
		case isUnknown(err):
			c.asked(Unknown)
			unknown = err
			continue
		case errors.As(err, new(*RefusedError)):
			c.asked(Failed)
			return answer, err
		}
		c.asked(Failed)
		failures = append(failures, fmt.Errorf("%s: %w", c.addresses[at].url, plain(err)))
	}
	if unknown != nil {
		return none, unknown
	}
	return none, errors.Join(failures...)
}

// isUnknown reports whether the registry itself says that it does not have what was
// asked for. A plain 404 can come from anything in front of it, or from an
// address that is not the registry's.
func isUnknown(err error) bool {
	if errors.Is(err, errNoGUIDs) {
		return true
	}
	answer, ok := errors.AsType[*sr.ResponseError](err)
	if !ok || answer.StatusCode != http.StatusNotFound {
		return false
	}
	switch answer.ErrorCode {
	case sr.ErrSchemaNotFound.Code, sr.ErrSubjectNotFound.Code, sr.ErrVersionNotFound.Code:
		return true
	default:
		return isNativeUnknown(answer.Raw)
	}
}

// plain is an error without the answer's body, which is anybody's text, and without
// the URL, which comes before it.
func plain(err error) error {
	if answer, ok := errors.AsType[*sr.ResponseError](err); ok {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("HTTP %d: check the credentials of schema_registry", answer.StatusCode)
		case http.StatusNotFound:
			return errors.New("HTTP 404 without a registry's own code: check schema_registry.urls")
		default:
			return fmt.Errorf("HTTP %d, code %d", answer.StatusCode, answer.ErrorCode)
		}
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	if errors.Is(err, errTooLarge) {
		return errTooLarge
	}
	return errors.New("the response is not from a schema registry")
}

// bounded cuts answers off that are too large to be kept in memory.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, maxAnswer}
	}
	return resp, err
}

// CloseIdleConnections is what http.Client asks its transport for.
func (b bounded) CloseIdleConnections() {
	if t, ok := b.RoundTripper.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
