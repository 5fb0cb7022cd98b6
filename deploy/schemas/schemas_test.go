package schemas_test

import (
	"os"
	"path/filepath"
	"testing"

	twmb "github.com/twmb/avro"

	"github.com/deskstream/deskstream/deploy/schemas"
	"github.com/deskstream/deskstream/mapping/avro"
)

func TestSchemas_areRead(t *testing.T) {
	for name, text := range map[string]string{"outcome": schemas.Outcome, "event": schemas.Event} {
		if _, err := avro.Parse(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := twmb.Parse(text); err != nil {
			t.Errorf("%s, by another library: %v", name, err)
		}
	}
}

// TestOutcome_staysCompatible compares the schema with each version that outcomes were ever
// written with: testdata has a copy of each, and a change of the schema adds one.
func TestOutcome_staysCompatible(t *testing.T) {
	files, err := filepath.Glob("testdata/outcome.*.avsc")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding the versions: %v, %d found", err, len(files))
	}
	now := twmb.MustParse(schemas.Outcome)
	latest := false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		latest = latest || string(text) == schemas.Outcome
		then := twmb.MustParse(string(text))
		if err := twmb.CheckCompatibility(then, now); err != nil {
			t.Errorf("a reader with the schema cannot read what a writer with %s wrote: %v", file, err)
		}
		if err := twmb.CheckCompatibility(now, then); err != nil {
			t.Errorf("a reader with %s cannot read what a writer with the schema wrote: %v", file, err)
		}
	}
	if !latest {
		t.Error("testdata has no copy of the current schema")
	}
}
