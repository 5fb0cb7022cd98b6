package all_test

import (
	"errors"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/desk/all"
)

const module = "github.com/deskstream/deskstream/"

func TestKinds_haveNamesOfTheirOwn(t *testing.T) {
	var names []string
	for _, k := range all.Kinds() {
		if k.Name == "" || k.Title == "" || slices.Contains(names, k.Name) {
			t.Errorf("kind %q with the title %q, after %q", k.Name, k.Title, names)
		}
		names = append(names, k.Name)
		if found, ok := all.Kind(k.Name); !ok || found.Title != k.Title {
			t.Errorf("Kind(%q) returned %q, %v", k.Name, found.Title, ok)
		}
	}
	if _, ok := all.Kind("none"); ok {
		t.Error(`there is a kind "none"`)
	}
}

// A desk's packages import no other desk's: the linter has one rule for all desks.
func TestKinds_noDeskKnowsAnother(t *testing.T) {
	var names []string
	for _, k := range all.Kinds() {
		names = append(names, k.Name)
	}
	checked := 0
	for _, name := range names {
		for _, dir := range []string{"mapping/" + name, "sink/" + name, "desk/" + name, "internal/stub/" + name} {
			for _, imported := range importsBelow(t, filepath.Join("../..", dir)) {
				checked++
				for _, other := range names {
					if other != name && slices.Contains(strings.Split(imported, "/"), other) {
						t.Errorf("%s imports %s", dir, imported)
					}
				}
			}
		}
	}
	if checked == 0 {
		t.Error("no import was found")
	}
}

// importsBelow is what the packages in and below dir import of this module, tests left out.
func importsBelow(t *testing.T, dir string) []string {
	t.Helper()
	var imports []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || d.Name() == "testdata" {
			return err
		}
		p, err := build.ImportDir(path, 0)
		if _, none := errors.AsType[*build.NoGoError](err); none {
			return nil
		}
		for _, i := range p.Imports {
			if rest, ok := strings.CutPrefix(i, module); ok {
				imports = append(imports, rest)
			}
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return imports
}
