package sink

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// frozen is a transport that looks at the context no more once the call's time is over, as one
// does whose process was frozen after it had looked.
type frozen struct{ http.RoundTripper }

// RoundTrip makes it an http.RoundTripper.
func (f frozen) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return f.RoundTripper.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
}

func TestTransport_anAnnouncedWriteDoesNotGoOutAfterItsTime(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			var received atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err == nil && r.Method == http.MethodPost {
					received.Add(1)
				}
			}))
			server.EnableHTTP2 = proto == "HTTP/2.0"
			server.StartTLS()
			defer server.Close()
			config := Config{BaseURL: server.URL, Credential: NewSecret("s3cret-token"), MaxInFlight: 64, Timeout: time.Millisecond}
			transport := newTransport(config, noProxy)
			transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
			defer transport.CloseIdleConnections()
			announced := write
			announced.recorded = true
			if _, err := callsOver(config, frozen{transport})(t.Context(), announced); err == nil {
				t.Error("the write has an answer")
			}
			server.Close() // after the last of its handlers
			if received.Load() > 0 {
				t.Error("the help desk received the write")
			}
		})
	}
}
