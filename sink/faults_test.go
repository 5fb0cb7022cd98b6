package sink_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

var updatePage = flag.Bool("update-page", false, "write the table of codes into docs/codes.md")

const (
	codesPage  = "../docs/codes.md"
	codesBegin = "<!-- begin: written by `go test ./sink -run TestCodes_areOnTheirPage -update-page` -->\n"
	codesEnd   = "<!-- end -->\n"
)

func TestInfoOfCode(t *testing.T) {
	for code, want := range map[mapping.Code]sink.Fault{
		"not_json": sink.FaultEvent, "unknown_name": sink.FaultConfig, "timeout": sink.FaultDesk, "panic": sink.FaultUs,
		"http_403": sink.FaultConfig, "http_404": sink.FaultConfig, "http_422": sink.FaultEvent, "http_418": sink.FaultEvent, "http_500": sink.FaultDesk, "http_302": sink.FaultDesk,
		"": "", "http_": "", "no_code": "",
	} {
		if got := sink.InfoOfCode(code).Fault; got != want {
			t.Errorf("%q is the fault of %q, want %q", code, got, want)
		}
	}
	for _, info := range sink.CodeInfos() {
		if !slices.Contains(sink.Faults(), info.Fault) || len(info.Classes) == 0 || info.Cause == "" {
			t.Errorf("%s has the fault %q, the classes %v and the cause %q", info.Code, info.Fault, info.Classes, info.Cause)
		}
		for _, class := range info.Classes {
			if !slices.Contains(sink.Classes(), class) {
				t.Errorf("%s has the class %q", info.Code, class)
			}
		}
	}
}

// What the reader of a dead letter finds on the page is what the program knows.
func TestCodes_areOnTheirPage(t *testing.T) {
	var table strings.Builder
	table.WriteString("\n| code | class | fault | cause | cure |\n| --- | --- | --- | --- | --- |\n")
	for _, info := range sink.CodeInfos() {
		classes := make([]string, len(info.Classes))
		for i, class := range info.Classes {
			classes[i] = "`" + string(class) + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | `%s` | %s | %s |\n", info.Code, strings.Join(classes, ", "), info.Fault, info.Cause, cmp.Or(info.Hint, "that of its class"))
	}
	table.WriteString("\n")
	text, err := os.ReadFile(codesPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), codesBegin)
	_, after, ended := strings.Cut(rest, codesEnd)
	if !ok || !ended {
		t.Fatalf("%s has no place for the table", codesPage)
	}
	renewed := before + codesBegin + table.String() + codesEnd + after
	if *updatePage {
		if err := os.WriteFile(codesPage, []byte(renewed), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(string(text), renewed); diff != "" {
		t.Errorf("%s differs from the table of codes, run with -update-page (-page +program):\n%s", codesPage, diff)
	}
	for _, class := range sink.Classes() {
		if !strings.Contains(renewed, "\n| `"+string(class)+"` |") {
			t.Errorf("%s has no row for the class %s", codesPage, class)
		}
	}
	for _, reason := range constants(t, "../mapping", "Skip") {
		if !strings.Contains(renewed, "\n| `"+reason+"` |") {
			t.Errorf("%s has no row for the reason %s", codesPage, reason)
		}
	}
}

func TestSkips_areAllThereAre(t *testing.T) {
	var got []string
	for _, reason := range mapping.Skips() {
		got = append(got, string(reason))
	}
	want := constants(t, "../mapping", "Skip")
	slices.Sort(got)
	slices.Sort(want)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-constants +Skips):\n%s", diff)
	}
}
