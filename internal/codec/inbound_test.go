package codec

import (
	"testing"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/mapping"
)

// A unified event is read as it lies on its topic, whatever form other events have: its id is its
// message id, and its record's key its lane.
func TestNewInboundReader(t *testing.T) {
	c := &config.Config{Lane: []string{"userId"}}
	c.Source.Unwrap, c.Source.Fields = "event", map[string]string{"messageId": "ticket"}
	r, err := NewInboundReader(c)
	if err != nil {
		t.Fatal(err)
	}
	event := []byte(`{"type":"ticket.closed","id":"e-1","userId":"u-1","destination":"inbox","ticket":{"id":"42"},"contact":{"id":"7"}}`)
	ev, err := r.Event(mapping.JSON, event)
	if err != nil || ev.ID() != "e-1" || ev.Body.Get("id").Str() != "e-1" || ev.Type != "ticket.closed" {
		t.Errorf("read %+v, error %v", ev, err)
	}
	if got := r.ID(mapping.JSON, event); got != "e-1" {
		t.Errorf("its id: %q", got)
	}
	if got := r.RepeatID(mapping.JSON, event); got != "e-1" {
		t.Errorf("its repeats are known by %q", got)
	}
	for key, want := range map[string]string{"inbox/ticket/42": "inbox/ticket/42", "": "42"} {
		if got := r.Lane(mapping.JSON, event, []byte(key)); got != want {
			t.Errorf("lane %q with key %q, want %q", got, key, want)
		}
	}
	if got := r.Lane(mapping.JSON, []byte(`{"type":"contact.updated","contact":{"id":"7"}}`), nil); got != "7" {
		t.Errorf("lane of a contact %q", got)
	}
}
