//go:build kafka

package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// issuer makes tokens that the brokers take, by the public key in their JWKS file.
type issuer struct{ key *rsa.PrivateKey }

const tokenAudience = "kafka"

func (i issuer) jwks() []byte {
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Appendf(nil, `{"keys": [{"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig", "n": %q, "e": %q}]}`,
		encode(i.key.N.Bytes()), encode(big.NewInt(int64(i.key.E)).Bytes()))
}

func (i issuer) token(t *testing.T, user string, until time.Time) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(map[string]any{"alg": "RS256", "kid": "1"}) + "." + part(map[string]any{
		"sub": user, "aud": tokenAudience, "iat": time.Now().Unix(), "exp": until.Unix(), "scope": "events",
	})
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// The listeners of the secured cluster besides SASL_SSL and SASL_PLAINTEXT.
const (
	oneWay = "SSL"
	mutual = "MUTUAL"  // wants a certificate of the client
	stale  = "EXPIRED" // has a certificate that is out of date
)

// secured is a cluster with an authorizer. User anonymous, who comes without a name over the
// plain listener, and the users of superUsers may do all.
type secured struct {
	*kafkatest.Apache
	authority *authority
	issuer    issuer
}

// superUsers are named as the mechanism that the tests use them with. Passwords are
// passwordOf them.
var superUsers = []string{"plain", "scram256", "scram512", "bearer"}

func passwordOf(user string) string { return "s3cr3t-of-" + user }

// startSecured starts a cluster of one broker on which the given users of PLAIN exist
// besides superUsers.
func startSecured(t *testing.T, users ...string) *secured {
	t.Helper()
	s := &secured{authority: newAuthority(t), issuer: issuer{newKey(t)}}
	certificate, key := s.authority.sign(t, "broker", time.Now().Add(time.Hour))
	expired, expiredKey := s.authority.sign(t, "broker", time.Now().Add(-time.Hour))
	var plain strings.Builder
	plain.WriteString("org.apache.kafka.common.security.plain.PlainLoginModule required")
	for _, user := range append([]string{"plain"}, users...) {
		fmt.Fprintf(&plain, " user_%s=%q", user, passwordOf(user))
	}
	properties := map[string]string{
		"listener.security.protocol.map":                       "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,MUTUAL:SSL,EXPIRED:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
		"ssl.keystore.type":                                    "PEM",
		"ssl.keystore.location":                                kafkatest.FilesDir + "/broker.pem",
		"ssl.truststore.type":                                  "PEM",
		"ssl.truststore.location":                              kafkatest.FilesDir + "/authority.pem",
		"listener.name.mutual.ssl.client.auth":                 "required",
		"listener.name.expired.ssl.keystore.type":              "PEM",
		"listener.name.expired.ssl.keystore.location":          kafkatest.FilesDir + "/expired.pem",
		"listener.name.sasl_ssl.sasl.enabled.mechanisms":       "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
		"listener.name.sasl_plaintext.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
		// A credential that changed is noticed on open connections too.
		"listener.name.sasl_plaintext.scram-sha-512.connections.max.reauth.ms":  "3000",
		"listener.name.sasl_ssl.oauthbearer.sasl.server.callback.handler.class": "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
		"listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": "file://" + kafkatest.FilesDir + "/jwks.json",
		"listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.expected.audience": tokenAudience,
		"listener.name.sasl_ssl.oauthbearer.sasl.jaas.config":                   "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required ;",
		"authorizer.class.name":          "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"allow.everyone.if.no.acl.found": "false",
		"super.users":                    "User:ANONYMOUS;User:CN=client;User:" + strings.Join(superUsers, ";User:"),
	}
	for _, listener := range []string{"sasl_ssl", "sasl_plaintext"} {
		properties["listener.name."+listener+".plain.sasl.jaas.config"] = plain.String() + ";"
		for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
			properties["listener.name."+listener+"."+mechanism+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
	}
	s.Apache = kafkatest.OwnApache(t, kafkatest.ApacheConfig{
		Brokers: 1, Properties: properties,
		Listeners: []string{oneWay, mutual, stale, "SASL_SSL", "SASL_PLAINTEXT"},
		Files: map[string][]byte{
			"authority.pem": []byte(s.authority.pem), "broker.pem": []byte(key + certificate),
			"expired.pem": []byte(expiredKey + expired), "jwks.json": s.issuer.jwks(),
		},
		JavaOptions: []string{
			"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://" + kafkatest.FilesDir + "/jwks.json",
			"-Dorg.apache.kafka.sasl.oauthbearer.allowed.files=" + kafkatest.FilesDir + "/jwks.json",
		},
	})
	s.setScram(t, "scram256", kadm.ScramSha256, passwordOf("scram256"))
	s.setScram(t, "scram512", kadm.ScramSha512, passwordOf("scram512"))
	return s
}

// setScram sets the password of a user.
func (s *secured) setScram(t *testing.T, user string, mechanism kadm.ScramMechanism, password string) {
	t.Helper()
	set, err := s.Admin(t).AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{{User: user, Mechanism: mechanism, Iterations: 4096, Password: password}})
	if err == nil {
		err = set.Error()
	}
	if err != nil {
		t.Fatalf("setting the password of %s: %v", user, err)
	}
}
