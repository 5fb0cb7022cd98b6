package schemas_test

import (
	"testing"

	hamba "github.com/hamba/avro/v2"

	"github.com/deskstream/deskstream/deploy/schemas"
	"github.com/deskstream/deskstream/mapping/avro"
)

func TestSchemas_areRead(t *testing.T) {
	for name, text := range map[string]string{"outcome": schemas.Outcome, "event": schemas.Event} {
		if _, err := avro.Parse(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := hamba.Parse(text); err != nil {
			t.Errorf("%s, by another library: %v", name, err)
		}
	}
}
