package sink_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/sink"
)

func TestDeliver_digestIsOfTheWholeMessageID(t *testing.T) {
	long := strings.Repeat("x", 2*sink.MaxText)
	for name, tt := range map[string]struct{ event, id string }{
		"short":               {`{"type":"track","event":"E","messageId":"m-1"}`, "m-1"},
		"a number":            {`{"type":"track","event":"E","messageId":7}`, "7"},
		"of an event skipped": {`{"type":"page","messageId":"m-1"}`, "m-1"},
		"of one that dies":    {`{"type":"none","messageId":"m-1"}`, "m-1"},
		"cut in the outcome":  {`{"type":"track","event":"E","messageId":"` + long + `"}`, long},
		"none":                {`{"type":"track","event":"E"}`, ""},
		"empty":               {`{"type":"track","event":"E","messageId":""}`, ""},
		"no event":            {`no JSON`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := deliverValue(t, destination(t, config(script(status(200)))), calling(), []byte(tt.event))
			want := ""
			if tt.id != "" {
				sum := sha256.Sum256([]byte(tt.id))
				want = hex.EncodeToString(sum[:16])
			}
			if got := string(o.Event.Digest.AppendHex(nil)); got != want {
				t.Errorf("digest %q, want %q", got, want)
			}
		})
	}
}
