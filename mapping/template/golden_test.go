package template_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the rendered texts into the golden files")

// Each testdata/NAME.hbs is rendered over testdata/event.json and gives NAME.txt.
func TestGolden(t *testing.T) {
	event, err := os.ReadFile(filepath.Join("testdata", "event.json"))
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob(filepath.Join("testdata", "*.hbs"))
	if err != nil || len(sources) < 10 {
		t.Fatalf("%d golden cases found, error %v", len(sources), err)
	}
	for _, path := range sources {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".hbs"), func(t *testing.T) {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := render(t, string(source), string(event))
			golden := strings.TrimSuffix(path, ".hbs") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("other text than in %s (-want +got):\n%s", golden, diff)
			}
		})
	}
}
