package schemas_test

import (
	"os"
	"path/filepath"
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

// TestOutcome_staysCompatible holds the schema against each version that was ever
// written with: testdata has a copy of each, and a change of the schema adds one.
func TestOutcome_staysCompatible(t *testing.T) {
	files, err := filepath.Glob("testdata/outcome.*.avsc")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding the versions: %v, %d found", err, len(files))
	}
	now := hamba.MustParse(schemas.Outcome)
	latest := false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		latest = latest || string(text) == schemas.Outcome
		then, compatibility := hamba.MustParse(string(text)), hamba.NewSchemaCompatibility()
		if err := compatibility.Compatible(now, then); err != nil {
			t.Errorf("who reads by the schema cannot read what %s wrote: %v", file, err)
		}
		if err := compatibility.Compatible(then, now); err != nil {
			t.Errorf("who reads by %s cannot read what the schema writes: %v", file, err)
		}
	}
	if !latest {
		t.Error("testdata has no copy of the schema as it is now")
	}
}
