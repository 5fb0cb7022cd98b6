package cluster

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/kafkatest"
)

// A renewed certificate is read without a restart, and a handshake that fails is a dial
// that failed, which the client tries again.
func TestDialTLS_readsTheFilesForEachConnection(t *testing.T) {
	pair, certPEM, _ := certificate(t)
	_, other, _ := certificate(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context()) // the client tells
			_ = conn.Close()
		}
	}()
	ca := writeFile(t, "ca.pem", other)
	dial := dialTLS(config.TLS{Enabled: true, CAFile: ca})
	_, err = dial(t.Context(), "tcp", listener.Addr().String())
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" || adviceOnTLS(config.TLS{}, err) == "" {
		t.Errorf("with another authority: %v", err)
	}
	if err := os.WriteFile(ca, []byte(certPEM), 0o600); err != nil {
		t.Fatal(err)
	}
	conn, err := dial(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatalf("with the authority's certificate in the file: %v", err)
	}
	_ = conn.Close()
}

// Who closes connections may be a proxy whose broker is not up yet.
func TestConnect_aClosedConnectionAloneIsNoReasonToGiveUp(t *testing.T) {
	listener := listen(t)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	for _, withTLS := range []bool{false, true} {
		err := reach(t, config.Kafka{Brokers: []string{listener.Addr().String()}, TLS: config.TLS{Enabled: withTLS}})
		if err == nil || isLasting(err) {
			t.Errorf("TLS %v: got %v, want an error that may pass", withTLS, err)
		}
	}
}

func TestIsAway_isTrueOfABrokerThatMayComeBack(t *testing.T) {
	if err := reach(t, config.Kafka{Brokers: []string{closedAddress(t)}}); !IsUnreachable(err) {
		t.Errorf("nobody listens: %v counts for a fault", err)
	}
	if err := fmt.Errorf("asking: %w", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}); !IsUnreachable(err) {
		t.Errorf("a broker that is frozen: %v counts for a fault", err)
	}
	reset := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	for _, err := range []error{nil, reset, kerr.GroupAuthorizationFailed, errors.New("topic events does not exist")} {
		if IsUnreachable(err) {
			t.Errorf("%v counts for a broker that is away", err)
		}
	}
}

func TestExplain_namesTheSetting(t *testing.T) {
	for want, c := range map[string]struct {
		kafka config.Kafka
		err   error
	}{
		"kafka.sasl.password":           {config.Kafka{SASL: config.SASL{Mechanism: config.Plain}}, kerr.SaslAuthenticationFailed},
		"kafka.sasl.oauth.token_url":    {config.Kafka{SASL: config.SASL{Mechanism: config.OAuthBearer}}, kerr.SaslAuthenticationFailed},
		"kafka.sasl.mechanism":          {config.Kafka{}, kerr.UnsupportedSaslMechanism},
		"leave kafka.sasl.mechanism":    {config.Kafka{}, kerr.IllegalSaslState},
		"kafka.sasl.oauth.client_id":    {config.Kafka{}, &tokenError{status: 401}},
		"set kafka.tls.enabled to true": {config.Kafka{}, errors.New("the first three bytes appear to be a tls alert record")},
	} {
		err := Explain(t.Context(), c.kafka, fmt.Errorf("asking: %w", c.err))
		if !isLasting(err) || !strings.Contains(err.Error(), want) || !errors.Is(err, c.err) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for _, passing := range []error{nil, kerr.CoordinatorNotAvailable, &tokenError{status: 503}, &tokenError{status: 429}} {
		if err := Explain(t.Context(), config.Kafka{}, passing); isLasting(err) {
			t.Errorf("%v is taken for lasting: %v", passing, err)
		}
	}
}

func TestCheckVersions_namesWhatTheBrokersLack(t *testing.T) {
	for _, c := range []struct {
		brokers  *kversion.Versions
		protocol string
		want     []string
	}{
		{kversion.V2_8_0(), config.ProtocolClassic, nil},
		{kversion.V4_0_0(), config.ProtocolConsumer, nil},
		{kversion.V2_7_0(), config.ProtocolClassic, []string{"Metadata in version 10", "since 2.8", "kafka.brokers"}},
		{kversion.V3_6_0(), config.ProtocolConsumer, []string{"ConsumerGroupHeartbeat", "since 4.0", "source.group_protocol to classic"}},
	} {
		cluster := kafkatest.Kafka(t, kafkatest.Fake(kfake.MaxVersions(c.brokers)))
		err := CheckVersions(t.Context(), cluster.Client(t), c.protocol)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s: got %v", c.protocol, err)
		}
		for _, text := range c.want {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: got %v, want %q", c.protocol, err, text)
			}
		}
	}
}

func TestTerseLogger_tellsATroubleOnceAndAgainAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		log := NewLogger(slog.New(slog.NewTextHandler(&text, nil)))
		for range 100 {
			log.Log(kgo.LogLevelWarn, "dial failed", "err", &net.OpError{Op: "dial", Err: errors.New("refused")})
			log.Log(kgo.LogLevelWarn, "join failed", "err", kerr.GroupAuthorizationFailed)
			log.Log(kgo.LogLevelWarn, "join failed", "err", kerr.NotCoordinator)
			log.Log(kgo.LogLevelWarn, "commit failed", "partition", 3, "error_code", int16(30))
			time.Sleep(time.Second)
		}
		if n := strings.Count(text.String(), "\n"); n != 4 {
			t.Errorf("%d lines for four troubles:\n%s", n, text.String())
		}
		time.Sleep(logPause)
		log.Log(kgo.LogLevelWarn, "join failed", "err", kerr.NotCoordinator)
		log.Log(kgo.LogLevelWarn, "something without a cause")
		log.Log(kgo.LogLevelWarn, "something without a cause")
		if n := strings.Count(text.String(), "\n"); n != 7 {
			t.Errorf("%d lines, want 7:\n%s", n, text.String())
		}
	})
}
