package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/file"
)

// tokenTimeout bounds one request to an OAuth token endpoint.
const tokenTimeout = 15 * time.Second

// kafkaOpts are the options that every client of the cluster needs: where it is and
// how to be let in. It reads the TLS files.
func kafkaOpts(c *config.Config) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Kafka.Brokers...),
		kgo.ClientID(c.Kafka.ClientID),
		kgo.SoftwareNameAndVersion("deskstream", version()),
	}
	if c.Kafka.TLS.Enabled {
		if _, err := tlsConfig(c.Kafka.TLS); err != nil {
			return nil, fmt.Errorf("setting up kafka.tls: %w", err)
		}
		opts = append(opts, kgo.Dialer(dialTLS(c.Kafka.TLS)))
	}
	if mechanism := saslMechanism(c.Kafka.SASL); mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

// dialTimeout bounds the opening of a connection, and then its handshake.
const dialTimeout = 10 * time.Second

// dialTLS opens connections with TLS. It reads the files for each, so that a renewed
// certificate needs no restart. A handshake that fails is a dial that failed: the client
// goes on with another broker, or later.
func dialTLS(c config.TLS) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		settings, err := tlsConfig(c)
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

func tlsConfig(c config.TLS) (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		pem, err := file.Read(context.Background(), c.CAFile, file.MaxSmall)
		if err != nil {
			return nil, fmt.Errorf("reading ca_file: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading ca_file: %s holds no certificate in PEM form", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := keyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading cert_file and key_file: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}

func keyPair(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := file.Read(context.Background(), certFile, file.MaxSmall)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := file.Read(context.Background(), keyFile, file.MaxSmall)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}

// saslMechanism is the configured mechanism, nil for none. A secret that comes from a
// file is read again for each login, so a new one counts from the next connection on.
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
	}
	return nil
}

// bearer presents the configured token, or one that the client credentials grant
// gives and that is renewed when it expires (RFC 6749, section 4.4).
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
			return oauth.Auth{}, tokenError(err)
		}
		return oauth.Auth{Token: token.AccessToken}, nil
	})}
}

// present is the secret's text as it is where it comes from, or as it was if that cannot
// be read.
func present(secret config.Secret) string {
	_, _ = secret.Reread() // a login with the former one says what is wrong, or works
	return secret.Reveal()
}

// grant gets tokens by the client credentials grant.
type grant struct{ config.OAuth }

// Token implements oauth2.TokenSource.
func (g grant) Token() (*oauth2.Token, error) {
	c := clientcredentials.Config{
		ClientID: g.ClientID, ClientSecret: present(g.ClientSecret), TokenURL: g.TokenURL, Scopes: g.Scopes,
	}
	// The source outlives any one login, so it has a context and a bound of its own.
	return c.Token(context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: tokenTimeout}))
}

// bearerMechanism has an error of its own for a token that the broker refuses. The
// broker says so in a message of the exchange (RFC 7628, section 3.2.3), of which the
// library only tells that it is there.
type bearerMechanism struct{ sasl.Mechanism }

func (m bearerMechanism) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := m.Mechanism.Authenticate(ctx, host)
	return bearerSession{session}, first, err
}

type bearerSession struct{ sasl.Session }

func (s bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) > 0 {
		return false, nil, &bearerRefusedError{string(answer[:min(len(answer), 512)])}
	}
	return s.Session.Challenge(answer)
}

// tokenError leaves the body of the endpoint's answer out.
func tokenError(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil {
		return &tokenRefusedError{refused.Response.StatusCode, refused.Response.Status}
	}
	return fmt.Errorf("getting a token: %w", err)
}
