package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/sink"
)

// reach connects with the given settings and gives the error.
func reach(t *testing.T, kafka config.Kafka) error {
	t.Helper()
	return reachIn(t.Context(), kafka)
}

func reachIn(ctx context.Context, kafka config.Kafka) error {
	kafka.ClientID = "test"
	cl, err := Connect(ctx, &config.Config{Kafka: kafka}, slog.New(slog.DiscardHandler))
	if err == nil {
		cl.Close()
	}
	return err
}

func TestKafkaOpts_passwordsAreUsedWithEachMechanism(t *testing.T) {
	for mechanism, method := range map[string]string{config.Plain: "PLAIN", config.ScramSHA256: "SCRAM-SHA-256", config.ScramSHA512: "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			cluster := kafkatest.Kafka(t, kafkatest.Fake(kfake.EnableSASL(), kfake.Superuser(method, "me", "s3cr3t")))
			good := config.SASL{Mechanism: mechanism, Username: "me", Password: sink.NewSecret("s3cr3t")}
			if err := reach(t, config.Kafka{Brokers: cluster.Brokers, SASL: good}); err != nil {
				t.Errorf("with the right password: %v", err)
			}
			bad := config.SASL{Mechanism: mechanism, Username: "me", Password: sink.NewSecret("wr0ng")}
			// kfake hangs up on a wrong password, and the client asks again as long as it may.
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			err := reachIn(ctx, config.Kafka{Brokers: cluster.Brokers, SASL: bad})
			if err == nil {
				t.Fatal("connected with a wrong password")
			}
			if strings.Contains(err.Error(), "wr0ng") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// certificate is a self-signed one for 127.0.0.1 and its PEM forms.
func certificate(t *testing.T) (pair tls.Certificate, certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	keyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
	pair, err = tls.X509KeyPair([]byte(certPEM), []byte(keyPEM))
	if err != nil {
		t.Fatal(err)
	}
	return pair, certPEM, keyPEM
}

func TestKafkaOpts_tlsTrustsTheGivenAuthorityAndShowsTheGivenCertificate(t *testing.T) {
	pair, certPEM, keyPEM := certificate(t)
	ca, key := writeFile(t, "ca.pem", certPEM), writeFile(t, "key.pem", keyPEM)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(certPEM))
	cluster := kafkatest.Kafka(t, kafkatest.Fake(kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	})))
	for name, c := range map[string]struct {
		tls  config.TLS
		want bool
	}{
		"mutual":              {config.TLS{Enabled: true, CAFile: ca, CertFile: ca, KeyFile: key}, true},
		"without certificate": {config.TLS{Enabled: true, CAFile: ca}, false},
		"unknown authority":   {config.TLS{Enabled: true, CertFile: ca, KeyFile: key}, false},
		"another name":        {config.TLS{Enabled: true, CAFile: ca, CertFile: ca, KeyFile: key, ServerName: "example.com"}, false},
		"without TLS":         {config.TLS{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := reach(t, config.Kafka{Brokers: cluster.Brokers, TLS: c.tls}); (err == nil) != c.want {
				t.Errorf("got %v, want success %v", err, c.want)
			}
		})
	}
}

func TestKafkaOpts_unusableTLSFilesAreNamed(t *testing.T) {
	empty := writeFile(t, "empty.pem", "")
	for _, c := range []struct {
		tls  config.TLS
		want string
	}{
		{config.TLS{Enabled: true, CAFile: "/does/not/exist"}, "reading ca_file"},
		{config.TLS{Enabled: true, CAFile: empty}, "holds no certificate"},
		{config.TLS{Enabled: true, CertFile: empty, KeyFile: empty}, "reading cert_file and key_file"},
	} {
		_, err := Options(&config.Config{Kafka: config.Kafka{TLS: c.tls}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.tls, err, c.want)
		}
	}
}

// bearerToken asks the mechanism for its first message, which holds the token.
func bearerToken(t *testing.T, c config.OAuth) (string, error) {
	t.Helper()
	_, message, err := bearer(c).Authenticate(context.Background(), "broker:9092")
	return string(message), err
}

func TestBearer_presentsTheTokenAsItIs(t *testing.T) {
	message, err := bearerToken(t, config.OAuth{Token: sink.NewSecret("t0ken")})
	if err != nil || !strings.Contains(message, "auth=Bearer t0ken") {
		t.Errorf("got %q, %v", message, err)
	}
}

func TestBearer_getsATokenByTheClientCredentialsGrantAndKeepsIt(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		id, secret, _ := r.BasicAuth()
		if err := r.ParseForm(); err != nil || r.Form.Get("grant_type") != "client_credentials" || id != "me" || secret != "s3cr3t" || r.Form.Get("scope") != "a b" {
			t.Errorf("got %s:%s, %v", id, secret, r.Form)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"t%d","token_type":"bearer","expires_in":3600}`, asked)
	}))
	defer server.Close()
	mechanism := bearer(config.OAuth{TokenURL: server.URL, ClientID: "me", ClientSecret: sink.NewSecret("s3cr3t"), Scopes: []string{"a", "b"}})
	for range 2 {
		_, message, err := mechanism.Authenticate(t.Context(), "broker:9092")
		if err != nil || !strings.Contains(string(message), "auth=Bearer t1") {
			t.Errorf("got %q, %v", message, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked for %d tokens, want 1", asked)
	}
}

func TestBearer_anEndpointThatRefusesShowsNoSecret(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, secret, _ := r.BasicAuth()
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "no client has the secret "+secret+r.FormValue("client_secret"))
	}))
	defer server.Close()
	_, err := bearerToken(t, config.OAuth{TokenURL: server.URL, ClientID: "me", ClientSecret: sink.NewSecret("s3cr3t")})
	if err == nil || !strings.Contains(err.Error(), "401 Unauthorized") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("got %v", err)
	}
}

func TestBearer_anEndpointOutOfReachShowsNoQuery(t *testing.T) {
	_, err := bearerToken(t, config.OAuth{TokenURL: "http://" + closedAddress(t) + "/token?code=s3cr3t", ClientID: "me", ClientSecret: sink.NewSecret("s3cr3t")})
	if err == nil || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("got %v", err)
	}
}

// A secret in a file is read again for each login.
func TestSASL_aSecretInAFileIsReadAgainForEachLogin(t *testing.T) {
	for name, lines := range map[string]string{
		"plain": "username: me, password: ", "oauthbearer": "oauth: {token: ",
	} {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, "secret", "first\n")
			end := strings.Repeat("}", strings.Count(lines, "{"))
			cfg, err := config.Parse("c.yaml", []byte("kafka: {brokers: [b:9093], tls: {enabled: true}, sasl: {mechanism: "+name+", "+lines+`"${file:`+path+`}"`+end+"}}\n"+
				"source: {topics: [events]}\ndestinations: [{name: crm, type: kustomer, kustomer: {api_key: s3cr3t-key}}]\n"), func(string) (string, bool) { return "", false })
			if err != nil {
				t.Fatal(err)
			}
			mechanism := saslMechanism(cfg.Kafka.SASL)
			wantLogin := func(when, secret string) {
				t.Helper()
				_, said, err := mechanism.Authenticate(t.Context(), "broker")
				if err != nil || !strings.Contains(string(said), secret) {
					t.Errorf("%s logged in with %q, %v, want %q", when, said, err, secret)
				}
			}
			wantLogin("first", "first")
			if err := os.WriteFile(path, []byte("second\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			wantLogin("after the file changed", "second")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			wantLogin("after the file went", "second")
		})
	}
}
