package receive

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/file"
)

// watch reads secrets and certificates again, and looks after a topic that takes nothing, until ctx
// ends.
func (r *receiver) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, h := range r.hooks {
			h.reread(ctx)
		}
		r.certificate.reread(ctx, r)
		if !r.writer.takes() || r.writer.failed.Load() != nil {
			r.lookAfterTopic(ctx)
		}
	}
}

// lookAfterTopic has the client forget a topic that was deleted and created again: it keeps to the
// id that it knows, and writes nothing to another topic of the same name.
func (r *receiver) lookAfterTopic(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, watchEvery)
	defer cancel()
	found, err := cluster.Find(ctx, r.client, []string{r.Config.Inbound.Topic})
	if err != nil {
		return // the writes say so
	}
	info, there := found.Topics[r.Config.Inbound.Topic]
	if !there || info.ID == r.topic.ID || !info.Ready {
		return
	}
	r.Log.Error("the topic was recreated, the events that it held are gone", "topic", r.Config.Inbound.Topic)
	r.topic.ID = info.ID
	r.client.PurgeTopicsFromProducing(r.Config.Inbound.Topic)
}

// certificate is the server's own, as its files have it.
type certificate struct {
	files  config.ServerTLS
	now    atomic.Pointer[tls.Certificate]
	text   string // of the files
	failed string // the latest error of reading them
}

// certify reads the certificate, if the configuration has one.
func (r *receiver) certify(ctx context.Context) error {
	if r.Config.Inbound.TLS.CertFile == "" {
		return nil
	}
	r.certificate = &certificate{files: r.Config.Inbound.TLS}
	_, err := r.certificate.read(ctx)
	return err
}

// read reads the files, and reports whether they hold something new.
func (c *certificate) read(ctx context.Context) (changed bool, err error) {
	chain, err := file.Read(ctx, c.files.CertFile, file.MaxSmall)
	if err != nil {
		return false, fmt.Errorf("reading inbound.tls.cert_file: %w", err)
	}
	key, err := file.Read(ctx, c.files.KeyFile, file.MaxSmall)
	if err != nil {
		return false, fmt.Errorf("reading inbound.tls.key_file: %w", err)
	}
	text := string(chain) + "\x00" + string(key)
	if text == c.text {
		return false, nil
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return false, fmt.Errorf("reading inbound.tls: cert_file and key_file are no pair of a certificate and its key in PEM form: %w", err)
	}
	c.text = text
	c.now.Store(&pair)
	return true, nil
}

// reread reads the files again. A certificate that was renewed is taken for the next connection.
func (c *certificate) reread(ctx context.Context, r *receiver) {
	if c == nil {
		return
	}
	changed, err := c.read(ctx)
	switch {
	case changed:
		r.Log.Info("certificate changed")
		c.failed = ""
	case err == nil:
		c.failed = ""
	case err.Error() != c.failed:
		c.failed = err.Error()
		r.Log.Error("reading the certificate again failed, the current one stays", "err", err)
	}
}

// settings are those of the server, nil for plain connections.
func (c *certificate) settings() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	}
}
