package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A desk behind a gateway whose certificate is of an authority of its own, and which asks for one.
func TestDeliver_withAnOwnAuthorityAndAClientsCertificate(t *testing.T) {
	t.Parallel()
	signer := newAuthority(t)
	trusted := x509.NewCertPool()
	trusted.AddCert(signer.certificate)
	cert, key := signer.sign(t, "gateway", time.Now().Add(time.Hour))
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	var protocol atomic.Value
	gateway := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol.Store(r.Proto + " of " + r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	gateway.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert}
	gateway.EnableHTTP2 = true
	gateway.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of the handshakes that have to fail
	gateway.StartTLS()
	t.Cleanup(gateway.Close)

	cert, key = signer.sign(t, "deskstream", time.Now().Add(time.Hour))
	files := map[string]string{"ca": writeFile(t, "ca.pem", signer.pem), "cert": writeFile(t, "cert.pem", cert), "key": writeFile(t, "key.pem", key)}
	config := func(settings string) string {
		return writeFile(t, "c.yaml", fmt.Sprintf(`responses: {topic: events.responses}
dead_letters: {topic: letters}
destinations:
  - name: hook
    type: webhook
    webhook: {url: %s}
    delivery: {tls: {%s}, timeout: 5s, retry: {max_attempts: 1, max_elapsed: 1s}}
`, gateway.URL, settings))
	}
	event := `{"type":"track","event":"E","userId":"u","messageId":"m"}` + "\n"
	both := fmt.Sprintf("ca_file: %s, cert_file: %s, key_file: %s", files["ca"], files["cert"], files["key"])

	runCommand(t, event, "deliver", "-c", config(both)).want(t, exitOK, `"outcome":"delivered"`, "")
	if got := protocol.Load(); got != "HTTP/2.0 of deskstream" {
		t.Errorf("the gateway saw %v", got)
	}
	got := runCommand(t, event, "deliver", "-c", config(""))
	if got.code == exitOK || !strings.Contains(got.stdout+got.stderr, `"code":"tls"`) {
		t.Errorf("without the authority: exit %d %s%s", got.code, got.stdout, got.stderr)
	}
	if got := runCommand(t, event, "deliver", "-c", config("ca_file: "+files["ca"])); got.code == exitOK {
		t.Error("delivered without the certificate that the gateway asks for")
	}
	// A renewed certificate is that of the next connection; check reads the files.
	cert, key = signer.sign(t, "renewed", time.Now().Add(time.Hour))
	for name, text := range map[string]string{"cert": cert, "key": key} {
		if err := os.WriteFile(files[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runCommand(t, event, "deliver", "-c", config(both)).want(t, exitOK, `"outcome":"delivered"`, "")
	if got := protocol.Load(); got != "HTTP/2.0 of renewed" {
		t.Errorf("after the renewal the gateway saw %v", got)
	}
	for settings, want := range map[string]string{
		"cert_file: " + files["cert"]: "cert_file and key_file go together",
		"ca_file: /does/not/exist":    "reading ca_file",
		fmt.Sprintf("ca_file: %s, cert_file: %s, key_file: %s", files["ca"], files["cert"], files["ca"]): "reading cert_file and key_file",
	} {
		runCommand(t, "", "check", "-c", config(settings)).want(t, exitUsage, "", want)
	}
	plain := strings.Replace(readFile(t, config(both)), gateway.URL, strings.Replace(gateway.URL, "https", "http", 1), 1)
	runCommand(t, "", "check", "-c", writeFile(t, "c.yaml", plain)).want(t, exitUsage, "", "has no effect")
}
