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
	return "secret-" + strings.ToLower(name), strings.HasSuffix(name, "_TOKEN") || strings.HasSuffix(name, "_KEY") || strings.HasSuffix(name, "_SECRET")
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
	t.Parallel()
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

// examplePages are the pages with examples.
func examplePages() []string {
	pages := []string{"calls", "rules", "recipes", "from-event-templates", "two-way"}
	for _, kind := range all.Kinds() {
		pages = append(pages, kind.Name)
	}
	return pages
}

// deskOf finds the desk that a configuration's events are delivered to.
var deskOf = regexp.MustCompile(`(?m)^ +type: (\w+)$`)

// The pages of the destinations and of rules show events and what comes of them. The events are
// delivered to the stub help desks, one page after the other block by block, so that a
// later example of a page finds what an earlier one left.
func TestDocs_theExamplesGiveWhatThePagesSay(t *testing.T) {
	t.Parallel()
	for _, page := range examplePages() {
		t.Run(page, func(t *testing.T) {
			var apis []stub.API
			for _, kind := range all.Kinds() {
				apis = append(apis, kind.Stub())
			}
			desks := stub.New(stub.Config{Seed: 1}, apis...)
			server := httptest.NewServer(desks)
			defer server.Close()
			base := ""
			path := filepath.Join("../../docs", page+".md")
			page := readFile(t, path)
			var config, events string
			shown := 0
			renewed := fence.ReplaceAllStringFunc(page, func(block string) string {
				m := fence.FindStringSubmatch(block)
				switch m[1] {
				case "yaml config":
					base = desks.Desk(deskOf.FindStringSubmatch(m[2])[1]).Path()
					config = withBaseURL(t, m[2], server.URL+base)
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

var (
	credentialLine = regexp.MustCompile(`(?m)^(\s+)api_(token|key): .*$`)
	deskTypes      = regexp.MustCompile(`\btype: (trengo|kustomer)\b`)
)

// withBaseURL sends the calls of a page's configuration to the stub, every one: a page's address
// may be a vendor's.
func withBaseURL(t *testing.T, config, url string) string {
	t.Helper()
	config = strings.ReplaceAll(config, "https://hooks.example.com", url)
	config = credentialLine.ReplaceAllString(config, "$0\n${1}base_url: "+url)
	wantStubs(t, config, url)
	return config
}

// wantStubs ends the test if a configuration names a help desk elsewhere.
func wantStubs(t *testing.T, config, url string) {
	t.Helper()
	if n, here := len(deskTypes.FindAllString(config, -1)), strings.Count(config, "base_url: "+url); n > here {
		t.Fatalf("%d of %d help desks are the stub; write the credential of each on a line of its own:\n%s", here, n, config)
	}
}

// ownIDs are externalIds of ours, which are others each time where there is no Kafka.
var ownIDs = regexp.MustCompile(`ds-[0-9a-f]{32}`)

// deliverExample gives the calls and outcomes of events as the pages show them.
func deliverExample(t *testing.T, config, events, base string) string {
	t.Helper()
	got := runWith(t.Context(), docsEnv, events, "deliver", "-c", writeFile(t, "c.yaml", config))
	if got.code != exitOK && got.code != exitDead {
		t.Fatalf("deliver gave %d: %s\n%s", got.code, got.stderr, config)
	}
	wantOutcomes(t, outcomeSchema(t), got.stdout)
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
				fmt.Fprintf(&b, "  %s\n", ownIDs.ReplaceAllString(call.Request.String(), "ds-(of the event)"))
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
		if !o.Result.IsZero() {
			fmt.Fprintf(&b, "result: %s\n", o.Result)
		}
		if !o.Cursor.IsZero() {
			fmt.Fprintf(&b, "cursor: %s\n", o.Cursor)
		}
		for _, w := range o.Warnings {
			fmt.Fprintf(&b, "warning: %s\n", w)
		}
	}
	return b.String()
}

func TestDocs_theReadmeNamesEveryCommand(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
