// Package certs makes the TLS settings of clients from files of certificates.
package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync/atomic"

	"github.com/deskstream/deskstream/internal/file"
)

// Files are where a client's certificates lie, in PEM form; each may be empty.
type Files struct {
	CA   string // the authorities to trust instead of the system's
	Cert string // the client's certificate, with those that lead to its authority
	Key  string // the key of Cert

	// ServerName is the name to verify instead of the server's host.
	ServerName string
}

// Client returns the settings of a client, which takes TLS 1.2 or later. The certificate and key are read
// for each handshake that asks for them, so a renewed one needs no restart; the authorities are read
// once. The error names the setting: ca_file, or cert_file and key_file.
func Client(f Files) (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.ServerName}
	if f.CA != "" {
		pem, err := file.Read(context.Background(), f.CA, file.MaxSmall)
		if err != nil {
			return nil, fmt.Errorf("reading ca_file: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading ca_file: %s holds no certificate in PEM form", f.CA)
		}
	}
	if f.Cert != "" {
		if _, err := f.pair(context.Background()); err != nil {
			return nil, err
		}
		settings.GetClientCertificate = func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.pair(r.Context()) }
	}
	return settings, nil
}

func (f Files) pair(ctx context.Context) (*tls.Certificate, error) {
	cert, err := file.Read(ctx, f.Cert, file.MaxSmall)
	if err != nil {
		return nil, fmt.Errorf("reading cert_file: %w", err)
	}
	key, err := file.Read(ctx, f.Key, file.MaxSmall)
	if err != nil {
		return nil, fmt.Errorf("reading key_file: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("reading cert_file and key_file: %w", err)
	}
	return &pair, nil
}

// Server returns the settings of a server with few connections, which takes TLS 1.2 or later. The
// certificate and key are read for each handshake, so a renewed one needs no restart; while they
// cannot be read, the last ones are taken.
func Server(f Files) (*tls.Config, error) {
	pair, err := f.pair(context.Background())
	if err != nil {
		return nil, err
	}
	var last atomic.Pointer[tls.Certificate]
	last.Store(pair)
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if pair, err := f.pair(hello.Context()); err == nil {
			last.Store(pair)
		}
		return last.Load(), nil
	}}, nil
}
