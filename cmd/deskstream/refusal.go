package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
)

// refusal is why a cluster does not let us in, and which setting to look at.
type refusal struct {
	err    error
	advice string
	// lasting tells that waiting does not help: somebody has to change something.
	lasting bool
}

func (r *refusal) Error() string { return r.err.Error() + ": " + r.advice }
func (r *refusal) Unwrap() error { return r.err }

// isLasting reports whether an error is a refusal that waiting does not end.
func isLasting(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.lasting
}

// isAway reports whether an error is of a broker that nobody reaches at its address, or that
// others still name and do not list any more. kgo has no type for the latter.
func isAway(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial" || err != nil && strings.Contains(err.Error(), "did not reply with that broker in the broker list")
}

// explain adds to an error of a connection what it means for the configuration. An
// error that it knows nothing of stays as it is.
func explain(ctx context.Context, c config.Kafka, err error) error {
	if err == nil {
		return nil
	}
	if advice := adviceOnTLS(c.TLS, err); advice != "" {
		return &refusal{err, advice, true}
	}
	if advice := adviceOnSASL(c.SASL, err); advice != "" {
		return &refusal{err, advice, true}
	}
	if errors.Is(err, io.EOF) {
		return explainClosed(ctx, c, err)
	}
	return err
}

func adviceOnTLS(c config.TLS, err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "set kafka.tls.ca_file to the certificate of the authority that signed the broker's"
	}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("the broker's certificate is for other names than %s: name the broker in kafka.brokers (and advertised.listeners) as the certificate does, or set kafka.tls.server_name to a name that is in it", wrong.Host)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "renew the broker's certificate, or the authority's in kafka.tls.ca_file, whichever is out of date; if neither is, set this machine's clock"
		}
		return "the broker's certificate, or the authority's in kafka.tls.ca_file, cannot be used: make a new one"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the port speaks no TLS: set kafka.tls.enabled to false, or name a port of the broker that does"
	}
	// kgo has no type for the alert of a TLS port that hears something else.
	if !c.Enabled && strings.Contains(err.Error(), "tls alert record") {
		return "the port speaks TLS: set kafka.tls.enabled to true, or name a port of the broker that does not"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		if c.CertFile == "" {
			return "the broker wants a certificate of ours: set kafka.tls.cert_file and kafka.tls.key_file"
		}
		return "the broker does not take the certificate in kafka.tls.cert_file: it has to be in date and of an authority that the broker trusts"
	}
	return ""
}

func adviceOnSASL(c config.SASL, err error) string {
	refused, ok := errors.AsType[*tokenRefusedError](err)
	_, denied := errors.AsType[*bearerRefusedError](err)
	switch {
	case ok && refused.lasting():
		return "the token endpoint refuses to give a token: check kafka.sasl.oauth.client_id, client_secret, scopes and token_url"
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return fmt.Sprintf("the broker does not offer %s on that port: check kafka.sasl.mechanism", c.Mechanism)
	case errors.Is(err, kerr.IllegalSaslState):
		return "the port takes no SASL: leave kafka.sasl.mechanism out, or name a port of the broker that does"
	case !denied && !errors.Is(err, kerr.SaslAuthenticationFailed):
		return ""
	case c.Mechanism != config.OAuthBearer:
		return "the broker refuses the credentials: check kafka.sasl.username and kafka.sasl.password"
	case !c.OAuth.Token.IsZero():
		return "the broker refuses the token: check kafka.sasl.oauth.token, which may have expired"
	}
	return "the broker refuses the token: check kafka.sasl.oauth.token_url and scopes, and which issuer and audience the broker takes"
}

// explainClosed tells why a broker closed a connection without a word. It may be on its
// way down, or a proxy in front of it: so it is asked what it speaks.
func explainClosed(ctx context.Context, c config.Kafka, err error) error {
	other := c
	other.TLS.Enabled = !c.TLS.Enabled
	if c.SASL.Mechanism == "" {
		if mechanisms, ok := mechanismsOf(ctx, c); ok {
			return &refusal{err, fmt.Sprintf("the port wants SASL (%s): set kafka.sasl.mechanism and its credentials", strings.Join(mechanisms, ", ")), true}
		}
	}
	_, ok := mechanismsOf(ctx, other)
	switch {
	case !ok:
		return &refusal{err, "the broker, or what is in front of it, closes the connection: check kafka.brokers, kafka.tls.enabled and kafka.sasl.mechanism", false}
	case c.TLS.Enabled:
		return &refusal{err, "the port speaks no TLS: set kafka.tls.enabled to false, or name a port of the broker that does", true}
	}
	return &refusal{err, "the port speaks TLS: set kafka.tls.enabled to true, or name a port of the broker that does not", true}
}

// mechanismsOf asks a broker for its SASL mechanisms over the given kind of connection,
// and reports whether it answered at all. Nobody is authenticated and no secret is sent, so
// it does not matter who answers.
func mechanismsOf(ctx context.Context, c config.Kafka) (mechanisms []string, answered bool) {
	opts := []kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.ClientID(c.ClientID)}
	if c.TLS.Enabled {
		settings, err := tlsConfig(c.TLS)
		if err != nil {
			return nil, false
		}
		settings.InsecureSkipVerify = true
		opts = append(opts, kgo.DialTLSConfig(settings))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, false
	}
	defer cl.Close()
	for _, broker := range cl.SeedBrokers() {
		req := kmsg.NewPtrSASLHandshakeRequest()
		req.Mechanism = "PLAIN"
		if resp, err := broker.Request(ctx, req); err == nil {
			return resp.(*kmsg.SASLHandshakeResponse).SupportedMechanisms, true
		}
	}
	return nil, false
}

// tokenRefusedError is what a token endpoint answered. Its body is left out, which may
// repeat what the endpoint was sent.
type tokenRefusedError struct {
	status     int
	statusText string
}

func (e *tokenRefusedError) Error() string {
	return "getting a token: the endpoint answered " + e.statusText
}

// lasting reports whether the answer is about what was sent, not about the endpoint.
func (e *tokenRefusedError) lasting() bool {
	return e.status >= 400 && e.status < 500 && e.status != http.StatusTooManyRequests && e.status != http.StatusRequestTimeout
}

// bearerRefusedError is a token that the broker refused, with what it said.
type bearerRefusedError struct{ answer string }

func (e *bearerRefusedError) Error() string { return "the broker answered the token with " + e.answer }
