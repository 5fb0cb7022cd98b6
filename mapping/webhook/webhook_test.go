package webhook_test

import (
	"errors"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/webhook"
)

// The event is what it was: the order of its keys, digits beyond those of a float64, types that
// no help desk knows.
func TestMap_theMessageIsTheEvent(t *testing.T) {
	for _, text := range []string{
		`{"type":"track","event":"Order Completed","messageId":"m-1","properties":{"b":12345678901234567890.10,"a":null}}`,
		`{"type":"group","groupId":"g","messageId":"m-1"}`,
		`{"type":"Something Else","messageId":"m-1"}`,
	} {
		ev, err := mapping.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		m, err := webhook.Map(ev)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := m.Event.JSON(); got != text {
			t.Errorf("event = %s, want %s", got, text)
		}
		if m.ID != "m-1" {
			t.Errorf("id = %q", m.ID)
		}
	}
}

func TestMap_refusesWhatIsNoEvent(t *testing.T) {
	for text, want := range map[string]mapping.Code{`{}`: mapping.MissingType, `{"type":7}`: mapping.WrongType} {
		ev, err := mapping.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = webhook.Map(ev)
		if fault, ok := errors.AsType[*mapping.Error](err); !ok || fault.Code != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
