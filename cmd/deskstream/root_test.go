package main

import (
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// walk calls fn for every command of the program that a user sees.
func walk(cmd *cobra.Command, fn func(*cobra.Command)) {
	if cmd.Hidden {
		return
	}
	fn(cmd)
	for _, child := range cmd.Commands() {
		walk(child, fn)
	}
}

func TestCommands_everyOneHasHelpWithAnExample(t *testing.T) {
	t.Parallel()
	var started bool
	root := newRootCommand(&app{log: slog.New(slog.DiscardHandler)}, &started)
	seen := 0
	walk(root, func(cmd *cobra.Command) {
		seen++
		if cmd.Short == "" || !strings.Contains(cmd.Example, "deskstream") {
			t.Errorf("%s: short text %q, example %q", cmd.CommandPath(), cmd.Short, cmd.Example)
		}
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		got := runCommand(t, "", args...)
		got.want(t, exitOK, "Examples:", "")
	})
	if seen < 5 {
		t.Errorf("walked %d commands", seen)
	}
}

func TestRun_wrongUsageExitsWith2(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, stderr string }{
		{"nonsense", `unknown command "nonsense"`},
		{"check --nonsense", "unknown flag: --nonsense"},
		{"check extra -c file", "named twice"},
		{"check one two", "accepts at most 1 arg"},
		{"dlq lst", `unknown command "lst" for "deskstream dlq"; did you mean list?`},
		{"completion nonsense", `unknown command "nonsense"`},
		{"check", "no configuration: give -c FILE"},
		{"version --log-format yaml", "--log-format must be text or json"},
		{"version --log-level loud", "--log-level must be debug, info, warn or error"},
		{"check -c /does/not/exist", "reading the configuration"},
	} {
		runCommand(t, "", strings.Fields(c.args)...).want(t, exitUsage, "", c.stderr)
	}
}

func TestVersion_namesProgramAndPlatform(t *testing.T) {
	t.Parallel()
	runCommand(t, "", "version").want(t, exitOK, "deskstream dev", "")
	runCommand(t, "", "version", "-o", "json").want(t, exitOK, `{"schema":1,"kind":"version","data":{"version":"dev","revision":"","go":"`+runtime.Version()+`","os":"`+runtime.GOOS+`","arch":"`+runtime.GOARCH+`"}}`+"\n", "")
	runCommand(t, "", "--version").want(t, exitOK, "deskstream dev", "")
}

// Without -c the configuration is that of the variable, then the file beside the user.
func TestConfig_isFoundWhereItUsuallyIs(t *testing.T) {
	path := deskConfig(t, "http://127.0.0.1:1", "crm")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	runCommand(t, "", "check", path).want(t, exitOK, "ok: "+path, "")
	runCommand(t, string(text), "check", "-c", "-").want(t, exitOK, "ok: -", "")
	runCommand(t, string(text), "deliver", "-c", "-", "-").want(t, exitUsage, "", "standard input is the configuration already")
	named := func(name string) (string, bool) { return path, name == "DESKSTREAM_CONFIG" }
	runWith(t.Context(), named, "", "check").want(t, exitOK, "ok: "+path, "")
	t.Chdir(t.TempDir())
	if err := os.WriteFile("deskstream.yaml", text, 0o600); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "", "check").want(t, exitOK, "ok: deskstream.yaml", "")
	runWith(t.Context(), named, "", "check").want(t, exitOK, "ok: "+path, "")
}

func TestCompletion_isAScript(t *testing.T) {
	t.Parallel()
	runCommand(t, "", "completion", "bash").want(t, exitOK, "bash completion", "")
}
