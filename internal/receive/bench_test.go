package receive

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// What a webhook costs besides the network and Kafka.
func BenchmarkHandler(b *testing.B) {
	w, now := newWorld(b, settingsText), time.Now()
	w.kafka.discard = true
	body := kustomerBody("e1", now)
	header := kustomer(b, body).Header
	b.ReportAllocs()
	for b.Loop() {
		r := request(b, "/webhooks/crm", "application/json", strings.NewReader(body))
		r.Header = header
		if got := w.post(r); got.Code != http.StatusOK {
			b.Fatal(got.Code)
		}
	}
}
