package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// environment is a LookupFunc over a fixed set of variables.
func environment(vars map[string]string) config.LookupFunc {
	return func(name string) (string, bool) {
		value, found := vars[name]
		return value, found
	}
}

var testEnvironment = environment(map[string]string{
	"SET": "broker:9092", "NUMBER": "7", "EMPTY": "", "SECRET_TYPE": "s3cr3t-value", "TOKEN": "s3cr3t-value",
})

func TestParse_brokenFilesShowEveryProblemAtItsPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding the broken files: %v, %d found", err, len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.Parse(name+".yaml", src, testEnvironment)
			if err == nil {
				t.Fatal("the file was accepted")
			}
			got := err.Error() + "\n"
			if strings.Contains(got, "s3cr3t") {
				t.Errorf("a secret shows in:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
