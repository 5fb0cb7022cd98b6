package main

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var updateHelp = flag.Bool("update", false, "write what --help prints into the golden files")

// The help of every command, hidden ones included, is in a file of its own, so that a review
// shows each change of what people type and read.
func TestCommands_helpIsThatOfTheGoldenFiles(t *testing.T) {
	t.Parallel()
	const dir = "testdata/help"
	want := map[string]bool{}
	eachCommand(newRootCommand(&app{log: slog.New(slog.DiscardHandler)}, new(bool)), func(cmd *cobra.Command) {
		path := filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".txt")
		want[path] = true
		got := runCommand(t, "", append(strings.Fields(cmd.CommandPath())[1:], "--help")...)
		got.want(t, exitOK, "Usage:", "")
		if *updateHelp {
			if err := os.WriteFile(path, []byte(got.stdout), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("run with -update: %v", err)
		} else if diff := cmp.Diff(string(golden), got.stdout); diff != "" {
			t.Errorf("the help of %s differs, run with -update (-%s +program):\n%s", cmd.CommandPath(), path, diff)
		}
	})
	files, err := filepath.Glob(dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if !want[path] {
			t.Errorf("%s is of no command", path)
		}
	}
}

// exitRow is a row of the table of exit codes: the command, the code and its meaning.
var exitRow = regexp.MustCompile("(?m)^\\| (all others|`deskstream [a-z ]+`) \\| (\\d) \\| (.+) \\|$")

func TestDocs_theTableOfExitCodesIsTheProgramsList(t *testing.T) {
	t.Parallel()
	var got []exit
	for _, m := range exitRow.FindAllStringSubmatch(readFile(t, "../../docs/operations.md"), -1) {
		code, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		command := strings.TrimPrefix(strings.Trim(m[1], "`"), "deskstream ")
		if m[1] == "all others" {
			command = ""
		}
		got = append(got, exit{command, code, strings.ReplaceAll(m[3], "`", "")})
	}
	if diff := cmp.Diff(exits, got, cmp.AllowUnexported(exit{})); diff != "" {
		t.Errorf("the table of docs/operations.md differs from the program's exit codes (-program +page):\n%s", diff)
	}
}

// documentRow is a row of the table of documents: the command and the document's kind.
var documentRow = regexp.MustCompile("(?m)^\\| `deskstream ([a-z ]+)` \\| `([a-z.]+)` \\|")

// A command with a document is in the table, and one in the table has a document.
func TestDocs_theTableOfDocumentsHasEveryCommandThatPrintsOne(t *testing.T) {
	t.Parallel()
	got, want := map[string]bool{}, map[string]bool{}
	for _, m := range documentRow.FindAllStringSubmatch(readFile(t, "../../docs/operations.md"), -1) {
		got[m[1]] = true
		if kind := strings.ReplaceAll(m[1], " ", "."); m[2] != kind && m[1] != "config show" {
			t.Errorf("the kind of %s is %s, want %s", m[1], m[2], kind)
		}
	}
	eachCommand(newRootCommand(&app{log: slog.New(slog.DiscardHandler)}, new(bool)), func(cmd *cobra.Command) {
		if form := cmd.Flags().Lookup("output"); form != nil && form.Value.Type() == "text|json" {
			want[strings.TrimPrefix(cmd.CommandPath(), "deskstream ")] = true
		}
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of docs/operations.md differs from the commands with -o json (-program +page):\n%s", diff)
	}
}

// What a help text says of exit codes it says in the list only.
func TestCommands_exitCodesAreSaidOnce(t *testing.T) {
	t.Parallel()
	eachCommand(newRootCommand(&app{log: slog.New(slog.DiscardHandler)}, new(bool)), func(cmd *cobra.Command) {
		said, _, _ := strings.Cut(cmd.Long, "\nExit codes:\n")
		if words := strings.Fields(strings.ToLower(said)); slices.Contains(words, "exit") || slices.Contains(words, "exits") {
			t.Errorf("the text of %s mentions exit codes outside of their list:\n%s", cmd.CommandPath(), said)
		}
	})
}
