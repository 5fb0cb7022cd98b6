package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
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
		settings, err := tlsConfig(c.Kafka.TLS)
		if err != nil {
			return nil, fmt.Errorf("setting up kafka.tls: %w", err)
		}
		opts = append(opts, kgo.DialTLSConfig(settings))
	}
	if mechanism := saslMechanism(c.Kafka.SASL); mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

func tlsConfig(c config.TLS) (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading ca_file: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading ca_file: %s holds no certificate in PEM form", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading cert_file and key_file: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}

// saslMechanism is the configured mechanism, nil for none.
func saslMechanism(c config.SASL) sasl.Mechanism {
	switch c.Mechanism {
	case config.Plain:
		return plain.Auth{User: c.Username, Pass: c.Password.Reveal()}.AsMechanism()
	case config.ScramSHA256:
		return scram.Auth{User: c.Username, Pass: c.Password.Reveal()}.AsSha256Mechanism()
	case config.ScramSHA512:
		return scram.Auth{User: c.Username, Pass: c.Password.Reveal()}.AsSha512Mechanism()
	case config.OAuthBearer:
		return bearer(c.OAuth)
	}
	return nil
}

// bearer presents the configured token, or one that the client credentials grant
// gives and that is renewed when it expires (RFC 6749, section 4.4).
func bearer(c config.OAuth) sasl.Mechanism {
	if !c.Token.IsZero() {
		return oauth.Auth{Token: c.Token.Reveal()}.AsMechanism()
	}
	grant := clientcredentials.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), TokenURL: c.TokenURL, Scopes: c.Scopes,
	}
	// The source outlives any one login, so it has a context and a bound of its own.
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: tokenTimeout})
	tokens := grant.TokenSource(ctx)
	return oauth.Oauth(func(context.Context) (oauth.Auth, error) {
		token, err := tokens.Token()
		if err != nil {
			return oauth.Auth{}, tokenError(err)
		}
		return oauth.Auth{Token: token.AccessToken}, nil
	})
}

// tokenError leaves the endpoint's answer out, which may repeat what it was sent.
func tokenError(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil {
		return fmt.Errorf("getting a token: the endpoint answered %s", refused.Response.Status)
	}
	return fmt.Errorf("getting a token: %w", err)
}
