package receive

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What a request took is used again, but not while Kafka's client may still read its record.
func TestHandler_anOverdueEventStaysAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settingsText)
		w.kafka.hold()
		overdue := make(chan *httptest.ResponseRecorder, 1)
		go func() { overdue <- w.post(kustomer(t, kustomerBody("first", time.Now()))) }()
		time.Sleep(ackTimeout / 2)
		w.kafka.set(func(*kgo.Record) (bool, error) { return true, nil })
		// It is let in before Kafka is seen to take nothing, and has its body afterwards.
		body, sends := io.Pipe()
		text := kustomerBody("second", time.Now())
		r := request(t, "/webhooks/crm", "application/json", body)
		r.Header.Set("X-Kustomer-Webhook-Signature", macOf(kustomerSecret, text))
		later := make(chan *httptest.ResponseRecorder, 1)
		go func() { later <- w.post(r) }()
		if got := <-overdue; got.Code != http.StatusServiceUnavailable {
			t.Fatalf("the first got %d", got.Code)
		}
		if _, err := io.WriteString(sends, text); err != nil {
			t.Fatal(err)
		}
		_ = sends.Close()
		if got := <-later; got.Code != http.StatusOK {
			t.Fatalf("the second got %d", got.Code)
		}
		w.kafka.release(nil)
		synctest.Wait()
		var ids []string
		for _, e := range w.kafka.written(t) {
			ids = append(ids, e.Get("id").Str())
		}
		if len(ids) != 2 || ids[0] != "second" || ids[1] != "first" {
			t.Errorf("written are %v", ids)
		}
	})
}
