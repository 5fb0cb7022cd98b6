package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

const (
	clientsPage  = "../../docs/client-libraries.md"
	clientsBegin = "<!-- begin: made from stored events by `go test ./cmd/deskstream -run TestDocs_clientLibraries -update-docs` -->\n"
	clientsEnd   = "<!-- end -->\n"
)

// The page shows what each library writes and what is read from it, so that a change of the
// mapping shows for whom it changes something.
func TestDocs_clientLibraries(t *testing.T) {
	t.Parallel()
	clients := readClients(t)
	var b strings.Builder
	b.WriteString("\n## What they write\n\n" + writtenBy(clients) + "\n## What is read\n")
	for i := range clients {
		c := &clients[i]
		fmt.Fprintf(&b, "\n### %s\n\n| event | lane | Trengo, e-mail | Trengo, phone | Kustomer | warnings |\n| --- | --- | --- | --- | --- | --- |\n", c.title())
		for _, row := range c.rows(t) {
			fmt.Fprintf(&b, "| %s | %s |\n", row.what, row.cells)
		}
	}
	b.WriteString("\n")
	page := readFile(t, clientsPage)
	before, rest, ok := strings.Cut(page, clientsBegin)
	_, after, ended := strings.Cut(rest, clientsEnd)
	if !ok || !ended {
		t.Fatalf("%s has no place for the tables", clientsPage)
	}
	renewed := before + clientsBegin + b.String() + clientsEnd + after
	if *updateDocs {
		if err := os.WriteFile(clientsPage, []byte(renewed), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(page, renewed); diff != "" {
		t.Errorf("%s differs from what the program reads, run with -update-docs (-page +program):\n%s", clientsPage, diff)
	}
}

type clientRow struct{ what, cells string }

// rows are one for each event, or for several of which the same is read.
func (c *client) rows(t *testing.T) []clientRow {
	t.Helper()
	var rows []clientRow
	for i, outcomes := range c.outcomes(t) {
		cells := []string{laneOf(outcomes[0])}
		for _, o := range outcomes {
			cells = append(cells, readFrom(t, o))
		}
		row := clientRow{c.Events[i].What, strings.Join(append(cells, warned(outcomes)), " | ")}
		if last := len(rows) - 1; last >= 0 && rows[last].cells == row.cells {
			rows[last].what += "; " + row.what
			continue
		}
		rows = append(rows, row)
	}
	return rows
}

func laneOf(o sink.Outcome) string {
	if o.Event.Lane == nil {
		return "none"
	}
	return code(*o.Event.Lane)
}

// readFrom is what an outcome shows of an event: its writes, or why there are none.
func readFrom(t *testing.T, o sink.Outcome) string {
	t.Helper()
	switch {
	case o.Error != nil:
		return "dead: " + code(string(o.Error.Class)) + " / " + code(string(o.Error.Code))
	case o.Reason != nil:
		return "skipped: " + code(string(*o.Reason))
	}
	var parts []string
	for _, call := range o.Calls {
		u, err := url.Parse(call.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := mapping.ParseJSON([]byte(call.Request.String()))
		switch {
		case call.Lookup && u.Query().Has("term"):
			parts = append(parts, "search "+code(u.Query().Get("term")))
		case call.Lookup:
		case err != nil:
			t.Fatalf("%s %s has the body %q: %v", call.Method, call.URL, call.Request, err)
		case call.Method == http.MethodPut:
			parts = append(parts, "update of "+code(path.Base(u.Path))+withValues(valuesOf(body)))
		default:
			parts = append(parts, "new "+strings.TrimSuffix(path.Base(u.Path), "s")+withValues(valuesOf(body)))
		}
	}
	return strings.Join(parts, "; ")
}

func withValues(values string) string {
	if values == "" {
		return ""
	}
	return ": " + values
}

// valuesOf is the values of a body by their names. What our configuration decides is left out.
func valuesOf(v mapping.Value) string {
	var parts []string
	for _, m := range v.Members() {
		switch {
		case m.Name == "channel_id" || m.Name == "type" || m.Value.Text() == "<id of the contact>":
		case m.Value.Kind() == mapping.Object:
			if inner := valuesOf(m.Value); inner != "" {
				parts = append(parts, inner)
			}
		case m.Value.Kind() == mapping.Array:
			for _, element := range m.Value.Members() {
				parts = append(parts, valuesOf(element.Value))
			}
		default:
			parts = append(parts, m.Name+" "+code(m.Value.Text()))
		}
	}
	return strings.Join(parts, ", ")
}

// warned are the warnings of an event at any of the destinations.
func warned(outcomes []sink.Outcome) string {
	var list []string
	for _, o := range outcomes {
		for _, w := range o.Warnings {
			if !slices.Contains(list, w) {
				list = append(list, w)
			}
		}
	}
	if len(list) == 0 {
		return "-"
	}
	return strings.ReplaceAll(strings.Join(list, "; "), "|", "\\|")
}

// code is a text as Markdown shows it in a table.
func code(text string) string {
	if text == "" {
		return "empty"
	}
	return "`" + strings.ReplaceAll(text, "|", "\\|") + "`"
}
