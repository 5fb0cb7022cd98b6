package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/sink"
)

var updateDocs = flag.Bool("update-docs", false, "write what the examples of the documentation give into the pages")

// fence is a fenced block of a page: its language and what it is, and its text.
var fence = regexp.MustCompile("(?ms)^ *```(\\w+ \\w+)\n(.*?)^ *```$")

// docsEnv are the variables that the configurations of the pages read.
func docsEnv(name string) (string, bool) {
	return "secret-" + strings.ToLower(name), strings.HasSuffix(name, "_TOKEN") || strings.HasSuffix(name, "_KEY")
}

func docsPages(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	return append(paths, "../../README.md")
}

func TestDocs_everyConfigurationIsAccepted(t *testing.T) {
	found := 0
	for _, path := range docsPages(t) {
		for _, m := range fence.FindAllStringSubmatch(readFile(t, path), -1) {
			if m[1] != "yaml config" {
				continue
			}
			found++
			file := writeFile(t, "c.yaml", m[2])
			if got := runWith(t.Context(), docsEnv, "", "check", "-c", file); got.code != exitOK {
				t.Errorf("%s: check refuses:\n%s\n%s", path, m[2], got.stderr)
			}
		}
	}
	if found == 0 {
		t.Error("no page has a configuration")
	}
}

// examplePages are the pages with examples, by the desk that these are delivered to.
func examplePages() map[string]string {
	pages := map[string]string{"rules": "trengo"}
	for _, kind := range all.Kinds() {
		pages[kind.Name] = kind.Name
	}
	return pages
}

// The pages of the destinations and of rules show events and what comes of them. The events are
// delivered to the stub help desks, one page after the other block by block, so that a
// later example of a page finds what an earlier one left.
func TestDocs_theExamplesGiveWhatThePagesSay(t *testing.T) {
	for page, name := range examplePages() {
		kind, _ := all.Kind(name)
		t.Run(page, func(t *testing.T) {
			desks := stub.New(stub.Config{Seed: 1}, kind.Stub())
			server := httptest.NewServer(desks)
			defer server.Close()
			base := desks.Desk(name).Path()
			path := filepath.Join("../../docs", page+".md")
			page := readFile(t, path)
			var config, events string
			shown := 0
			renewed := fence.ReplaceAllStringFunc(page, func(block string) string {
				m := fence.FindStringSubmatch(block)
				switch m[1] {
				case "yaml config":
					config = withBaseURL(m[2], server.URL+base)
				case "json events":
					events = m[2]
				case "text calls":
					shown++
					return "```text calls\n" + deliverExample(t, config, events, server.URL+base) + "```"
				}
				return block
			})
			if shown < 3 {
				t.Errorf("%s shows %d examples", path, shown)
			}
			if *updateDocs {
				if err := os.WriteFile(path, []byte(renewed), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(page, renewed); diff != "" {
				t.Errorf("%s differs from what the program does, run with -update-docs (-page +program):\n%s", path, diff)
			}
		})
	}
}

// withBaseURL sends the calls of a page's configuration to the stub.
func withBaseURL(config, url string) string {
	config = strings.ReplaceAll(config, "https://hooks.example.com", url)
	return regexp.MustCompile(`(?m)^(\s+)api_(token|key): .*$`).ReplaceAllString(config, "$0\n${1}base_url: "+url)
}

// deliverExample gives the calls and outcomes of events as the pages show them.
func deliverExample(t *testing.T, config, events, base string) string {
	t.Helper()
	got := runWith(t.Context(), docsEnv, events, "deliver", "-c", writeFile(t, "c.yaml", config))
	if got.code != exitOK && got.code != exitDead {
		t.Fatalf("deliver gave %d: %s\n%s", got.code, got.stderr, config)
	}
	var b strings.Builder
	dec := json.NewDecoder(strings.NewReader(got.stdout))
	for dec.More() {
		var o sink.Outcome
		if err := dec.Decode(&o); err != nil {
			t.Fatal(err)
		}
		for _, call := range o.Calls {
			fmt.Fprintf(&b, "%s %s -> %d\n", call.Method, strings.TrimPrefix(call.URL, base), *call.Status)
			if !call.Request.IsZero() {
				fmt.Fprintf(&b, "  %s\n", call.Request)
			}
		}
		b.WriteString(string(o.Outcome))
		switch {
		case o.Error != nil:
			fmt.Fprintf(&b, " %s %s: %s", o.Error.Class, o.Error.Code, o.Error.Message)
		case o.Reason != nil:
			b.WriteString(" " + string(*o.Reason))
		}
		b.WriteString("\n")
		for _, w := range o.Warnings {
			fmt.Fprintf(&b, "warning: %s\n", w)
		}
	}
	return b.String()
}

func TestDocs_theReadmeNamesEveryCommand(t *testing.T) {
	var named, there []string
	for _, m := range regexp.MustCompile("(?m)^\\| `deskstream (\\w+)").FindAllStringSubmatch(readFile(t, "../../README.md"), -1) {
		named = append(named, m[1])
	}
	for _, cmd := range docsCommands() {
		if !cmd.Hidden {
			there = append(there, cmd.Name())
		}
	}
	slices.Sort(named)
	slices.Sort(there)
	if diff := cmp.Diff(there, named); diff != "" {
		t.Errorf("the table of commands differs from the commands (-there +named):\n%s", diff)
	}
}

func docsCommands() []*cobra.Command {
	a := &app{stdin: strings.NewReader(""), stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}
	return newRootCommand(a, new(bool)).Commands()
}

// everyCommand are the commands that do something, those of dlq for example.
func everyCommand() []*cobra.Command {
	var list []*cobra.Command
	for _, cmd := range docsCommands() {
		if children := cmd.Commands(); len(children) > 0 && cmd.Name() != "completion" {
			list = append(list, children...)
			continue
		}
		list = append(list, cmd)
	}
	return list
}

// A line of a page that calls a command may give it only flags that it has.
func TestDocs_commandLinesUseFlagsThatExist(t *testing.T) {
	seen := 0
	for _, path := range append(docsPages(t), "../../ARCHITECTURE.md", "../../CHANGELOG.md") {
		page := readFile(t, path)
		for _, cmd := range everyCommand() {
			name := strings.TrimPrefix(cmd.CommandPath(), "deskstream ")
			lines := regexp.MustCompile("(?:deskstream |`)" + name + "((?: [^`\n#|]*)?)[`\n#|]")
			for _, m := range lines.FindAllStringSubmatch(page, -1) {
				for _, flag := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(m[1], -1) {
					seen++
					if cmd.Flag(flag[1]) == nil {
						t.Errorf("%s gives %s the flag %s, which it does not have", path, cmd.Name(), flag[0])
					}
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d flags found", seen)
	}
}
