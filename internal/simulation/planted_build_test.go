//go:build synctests

package simulation

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// A build has all planted faults in it. A process has the one that plantedEnv names, or none.
type build struct {
	overlay string            // what go build's -overlay takes
	tests   map[string]string // the tests of a directory of the repository: the program
}

const (
	plantedEnv  = "PLANTED_FAULT"
	plantedFile = "planted_fault.go" // is added to each package that has faults
)

func newBuild(t *testing.T) *build {
	t.Helper()
	var files []*production
	trees := make(map[string][]*production)
	for i, p := range plantedFaults {
		if trees[p.in] == nil {
			tree, err := sourcesIn(p.in)
			if err != nil {
				t.Fatal(err)
			}
			trees[p.in] = tree
			files = append(files, tree...)
		}
		if err := p.plant(trees[p.in], i); err != nil {
			t.Fatalf("planted fault %q no longer fits %s in %s, change its entry in planted_list_test.go: %v", p.name, p.fn, p.in, err)
		}
	}
	return &build{overlay: overlay(t, files), tests: make(map[string]string)}
}

// plant makes the fault in a copy of its function, which the function calls instead of all else
// in a process that has the fault.
func (p plantedFault) plant(files []*production, number int) error {
	d, err := declaration(files, p.fn)
	if err != nil {
		return err
	}
	faulty := declared{&production{path: d.path, text: d.text, parsed: d.parsed}, d.fn}
	if err := p.edit(faulty); err != nil {
		return err
	}
	name := d.fn.Name.Name + "_planted" + strconv.Itoa(number)
	faulty.replace(d.fn.Name, name)
	d.added += "\n" + faulty.between(int(d.fn.Pos())-1, int(d.fn.End())-1) + "\n"
	// On the line of the brace, so that all others keep their numbers.
	d.insert(d.fn.Body.Lbrace+1, fmt.Sprintf(" if plantedFault == %q { %s };", p.name, d.hand(name)))
	return nil
}

// hand calls a function that has the same receiver and parameters, and returns what it does.
func (d declared) hand(name string) string {
	var args []string
	for _, field := range d.fn.Type.Params.List {
		rest := ""
		if _, variadic := field.Type.(*ast.Ellipsis); variadic {
			rest = "..."
		}
		for _, param := range field.Names {
			if param.Name == "_" {
				args = append(args, "*new("+d.textOf(field.Type)+")")
				continue
			}
			args = append(args, param.Name+rest)
		}
	}
	call := name + "(" + strings.Join(args, ", ") + ")"
	if d.fn.Recv != nil {
		call = d.fn.Recv.List[0].Names[0].Name + "." + call
	}
	if d.fn.Type.Results == nil {
		return call + "; return"
	}
	return "return " + call
}

// overlay writes what go build's -overlay takes.
func overlay(t *testing.T, files []*production) string {
	t.Helper()
	dir := t.TempDir()
	replace := make(map[string]string)
	put := func(original, text string) {
		original, err := filepath.Abs(filepath.Join(root, original))
		if err != nil {
			t.Fatal(err)
		}
		if replace[original] != "" {
			return // of another file of the package
		}
		path := filepath.Join(dir, strconv.Itoa(len(replace))+filepath.Base(original))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[original] = path
	}
	for _, f := range files {
		if len(f.splices) == 0 {
			continue
		}
		put(f.path, f.changed())
		put(filepath.Join(filepath.Dir(f.path), plantedFile), fmt.Sprintf(
			"package %s\n\nimport \"os\"\n\nvar plantedFault = os.Getenv(%q)\n", f.parsed.Name.Name, plantedEnv))
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// command is the tests of a directory of the repository, in a process that has the fault.
func (b *build) command(t *testing.T, fault, in string, args ...string) *exec.Cmd {
	t.Helper()
	program := b.tests[in]
	if program == "" {
		program = filepath.Join(filepath.Dir(b.overlay), strings.ReplaceAll(in, "/", "_")+".test")
		compile := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "synctests", "-ldflags=-s -w", "-overlay", b.overlay, "-o", program, "./"+in)
		compile.Dir = root
		if out, err := compile.CombinedOutput(); err != nil {
			t.Fatalf("building the tests of %s with all faults: %v\n%s", in, err, out)
		}
		b.tests[in] = program
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = filepath.Join(root, in)
	cmd.Env = append(os.Environ(), plantedEnv+"="+fault)
	return cmd
}
