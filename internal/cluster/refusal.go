package cluster

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

	"github.com/deskstream/deskstream/internal/config"
)

// RefusedError says why a cluster refuses this program, and what to change.
type RefusedError struct {
	Err    error
	Advice string
	// Lasting reports whether waiting does not help, because a person has to change
	// something.
	Lasting bool
}

func (r *RefusedError) Error() string { return r.Err.Error() + ": " + r.Advice }
func (r *RefusedError) Unwrap() error { return r.Err }

// isLasting reports whether an error is a refusal that waiting cannot end.
func isLasting(err error) bool {
	r, ok := errors.AsType[*RefusedError](err)
	return ok && r.Lasting
}

// IsUnreachable reports whether an error is that a broker cannot be reached at its address,
// that it does not answer there, or that other brokers name it and do not list it any more. kgo
// has no type for the latter.
func IsUnreachable(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Timeout()) || err != nil && strings.Contains(err.Error(), "did not reply with that broker in the broker list")
}

// Explain adds to the error of a connection which setting to look at. An error that it does
// not know is returned unchanged.
func Explain(ctx context.Context, c config.Kafka, err error) error {
	if err == nil {
		return nil
	}
	if advice := adviceOnTLS(c.TLS, err); advice != "" {
		return &RefusedError{err, advice, true}
	}
	if advice := adviceOnSASL(c.SASL, err); advice != "" {
		return &RefusedError{err, advice, true}
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
	// kgo has no type for the alert of a TLS port that receives something else.
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
	refused, ok := errors.AsType[*tokenError](err)
	_, denied := errors.AsType[*bearerError](err)
	switch {
	case ok && refused.lasting():
		return "the token endpoint refuses to give a token: check kafka.sasl.oauth.client_id, client_secret, scopes and token_url"
	case c.Mechanism == config.MSKIAM && adviceOnAWS(err) != "":
		return adviceOnAWS(err)
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

// adviceOnAWS is what to look at when no keys are found or the broker does not take them.
func adviceOnAWS(err error) string {
	_, none := errors.AsType[*keysError](err)
	switch {
	case none:
		return "give this process a role (a service account of EKS, a task or an instance profile), set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write kafka.sasl.aws"
	case strings.Contains(err.Error(), "cannot determine the region"): // the library has no type for it
		return "the broker's name does not say its region: set AWS_REGION"
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "the broker refuses the signature: check the keys, this machine's clock, and that their IAM policy allows kafka-cluster:Connect to the cluster"
	}
	return ""
}

// explainClosed explains why a broker closed a connection without an answer. The broker, or a
// proxy in front of it, may be stopping, so it is asked what protocol it supports.
func explainClosed(ctx context.Context, c config.Kafka, err error) error {
	other := c
	other.TLS.Enabled = !c.TLS.Enabled
	if c.SASL.Mechanism == "" {
		if mechanisms, ok := mechanismsOf(ctx, c); ok {
			return &RefusedError{err, fmt.Sprintf("the port wants SASL (%s): set kafka.sasl.mechanism and its credentials", strings.Join(mechanisms, ", ")), true}
		}
	}
	_, ok := mechanismsOf(ctx, other)
	switch {
	case !ok:
		return &RefusedError{err, "the broker, or what is in front of it, closes the connection: check kafka.brokers, kafka.tls.enabled and kafka.sasl.mechanism", false}
	case c.TLS.Enabled:
		return &RefusedError{err, "the port speaks no TLS: set kafka.tls.enabled to false, or name a port of the broker that does", true}
	}
	return &RefusedError{err, "the port speaks TLS: set kafka.tls.enabled to true, or name a port of the broker that does not", true}
}

// mechanismsOf asks a broker for its SASL mechanisms over the given kind of connection, and
// reports whether it answered. It does not authenticate the broker, because it sends no
// secret.
func mechanismsOf(ctx context.Context, c config.Kafka) (mechanisms []string, answered bool) {
	opts := []kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.ClientID(c.ClientID)}
	if c.TLS.Enabled {
		settings, err := TLS(c.TLS)
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

// tokenError is the refusal of a token endpoint. It leaves out the response body, which may
// repeat a secret of the request.
type tokenError struct {
	status     int
	statusText string
}

func (e *tokenError) Error() string {
	return "getting a token: the endpoint answered " + e.statusText
}

// lasting reports whether the refusal is about the request, not about the state of the
// endpoint.
func (e *tokenError) lasting() bool {
	return e.status >= 400 && e.status < 500 && e.status != http.StatusTooManyRequests && e.status != http.StatusRequestTimeout
}

// bearerError is the broker's refusal of a token, with its answer.
type bearerError struct{ answer string }

func (e *bearerError) Error() string { return "the broker answered the token with " + e.answer }
