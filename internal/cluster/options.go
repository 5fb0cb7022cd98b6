package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/deskstream/deskstream/internal/certs"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/version"
)

// tokenTimeout limits one request to an OAuth token endpoint.
const tokenTimeout = 15 * time.Second

// Options returns the options that every client of the cluster needs: addresses, TLS and
// SASL. It reads the TLS files, so that errors in them are found at once.
func Options(c *config.Config) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Kafka.Brokers...),
		kgo.ClientID(c.Kafka.ClientID),
		kgo.SoftwareNameAndVersion("deskstream", version.Release()),
	}
	if c.Kafka.TLS.Enabled {
		if _, err := TLS(c.Kafka.TLS); err != nil {
			return nil, fmt.Errorf("setting up kafka.tls: %w", err)
		}
		opts = append(opts, kgo.Dialer(dialTLS(c.Kafka.TLS)))
	}
	if mechanism := saslMechanism(c.Kafka.SASL); mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

// dialTimeout limits the opening of a connection, including its TLS handshake.
const dialTimeout = 10 * time.Second

// dialTLS opens connections with TLS. It reads the files for each connection, so that a
// renewed certificate needs no restart. A failed handshake counts as a failed dial: the
// client tries another broker, or tries later.
func dialTLS(c config.TLS) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		settings, err := TLS(c)
		if err == nil {
			var conn net.Conn
			dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout}, Config: settings}
			if conn, err = dialer.DialContext(ctx, network, address); err == nil {
				return conn, nil
			}
		}
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return nil, err
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("TLS with %s: %w", address, err)}
	}
}

// TLS returns the settings of a TLS connection, with the files that they name.
func TLS(c config.TLS) (*tls.Config, error) {
	return certs.Client(certs.Files{CA: c.CAFile, Cert: c.CertFile, Key: c.KeyFile, ServerName: c.ServerName})
}

// saslMechanism returns the configured mechanism, nil for none. A secret in a file is read
// again for each login, so a new one is used from the next connection on.
func saslMechanism(c config.SASL) sasl.Mechanism {
	scramAuth := func(context.Context) (scram.Auth, error) {
		return scram.Auth{User: c.Username, Pass: present(c.Password)}, nil
	}
	switch c.Mechanism {
	case config.Plain:
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			return plain.Auth{User: c.Username, Pass: present(c.Password)}, nil
		})
	case config.ScramSHA256:
		return scram.Sha256(scramAuth)
	case config.ScramSHA512:
		return scram.Sha512(scramAuth)
	case config.OAuthBearer:
		return bearer(c.OAuth)
	case config.MSKIAM:
		return mskIAM(c.AWS)
	}
	return nil
}

// bearer sends the configured token, or one from the client credentials grant (RFC 6749,
// section 4.4), which is renewed when it expires.
func bearer(c config.OAuth) sasl.Mechanism {
	if !c.Token.IsZero() {
		return bearerMechanism{oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			return oauth.Auth{Token: present(c.Token)}, nil
		})}
	}
	tokens := oauth2.ReuseTokenSource(nil, grant{c})
	return bearerMechanism{oauth.Oauth(func(context.Context) (oauth.Auth, error) {
		token, err := tokens.Token()
		if err != nil {
			return oauth.Auth{}, hideBody(err)
		}
		return oauth.Auth{Token: token.AccessToken}, nil
	})}
}

// present returns the secret as its source has it now, or as it was if the source cannot be
// read.
func present(secret config.Secret) string {
	_, _ = secret.Reread() // a login with the former one says what is wrong, or works
	return secret.Reveal()
}

// grant gets tokens with the client credentials grant.
type grant struct{ config.OAuth }

// Token implements oauth2.TokenSource.
func (g grant) Token() (*oauth2.Token, error) {
	c := clientcredentials.Config{
		ClientID: g.ClientID, ClientSecret: present(g.ClientSecret), TokenURL: g.TokenURL, Scopes: g.Scopes,
	}
	// The source outlives a login, so it has its own context and timeout.
	return c.Token(context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: tokenTimeout}))
}

// bearerMechanism returns a bearerError when the broker refuses the token. The broker says so
// in a message of the exchange (RFC 7628, section 3.2.3), which the library does not pass on.
type bearerMechanism struct{ sasl.Mechanism }

func (m bearerMechanism) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := m.Mechanism.Authenticate(ctx, host)
	return bearerSession{session}, first, err
}

type bearerSession struct{ sasl.Session }

func (s bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) > 0 {
		return false, nil, &bearerError{string(answer[:min(len(answer), 512)])}
	}
	return s.Session.Challenge(answer)
}

// hideBody removes the response body from the error of a token endpoint.
func hideBody(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil {
		return &tokenError{refused.Response.StatusCode, refused.Response.Status}
	}
	return fmt.Errorf("getting a token: %w", hideURL(err))
}
