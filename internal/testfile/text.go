package testfile

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/deskstream/deskstream/internal/output"
)

// Text is the report for people: a line for each test, what differs below it, and a summary.
func (r *Report) Text() string {
	var b strings.Builder
	for _, f := range r.Files {
		for _, t := range f.Tests {
			state := "ok  "
			if !t.Passed {
				state = "FAIL"
			}
			output.Printf(&b, "%s  %s  (%s:%d)\n", output.Shown(state), t.Name, f.File, t.Line)
			for _, p := range t.Problems {
				p.text(&b)
			}
			if !t.Passed && len(t.Unasked) > 0 {
				output.Printf(&b, "      no lookup asked for the answers of %s\n", strings.Join(t.Unasked, ", "))
			}
			t.show(&b)
		}
	}
	fmt.Fprintf(&b, "%s, %d failed\n", output.Count(r.Passed+r.Failed, "test"), r.Failed)
	return b.String()
}

func (p *Problem) text(b *strings.Builder) {
	output.Printf(b, "      event %d %s\n", p.Event, output.Words(p.Name, "at", p.Destination))
	for _, line := range p.Differences {
		output.Printf(b, "        %s\n", output.Shown(output.LineOf(line, output.MaxBody)))
	}
}

// show writes what came of the events as entries of expect, to copy.
func (t *TestReport) show(b *strings.Builder) {
	if t.shown == nil {
		return
	}
	list := make([]Expectation, len(t.shown))
	for i, r := range t.shown {
		list[i] = r.Expectation
	}
	text, err := yaml.Dump(map[string]any{"expect": list}, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		text = []byte("cannot be shown: " + err.Error())
	}
	b.WriteString(output.Indent(strings.TrimRight(string(text), "\n")) + "\n")
}
