//go:build kafka

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/registrytest"
	"github.com/deskstream/deskstream/sink"
)

const (
	wirePage  = "../../docs/avro.md"
	wireBegin = "<!-- begin: made by `go test -tags kafka ./cmd/deskstream -run TestRegistry_everyWriter -update-docs` -->\n"
	wireEnd   = "<!-- end -->\n"
)

// wireReader is a configuration that reads the records.
type wireReader struct{ title, source, registry string }

// TestRegistry_everyWriter sends what real libraries write through Kafka to four
// configurations, with Apicurio as the registry, and makes the page's table of what
// became of it.
func TestRegistry_everyWriter(t *testing.T) {
	t.Parallel()
	o := real(t, worldOptions{sources: 1, others: 1})
	w, url := newWorld(t, o), registrytest.Apicurio(t)
	list := wireRecords(t, newWireSchemas(t, url, o.prefix))
	records := make([]*kgo.Record, len(list))
	for i, r := range list {
		records[i] = &kgo.Record{Topic: w.topic(eventsTopic), Key: []byte("k"), Headers: r.headers, Value: r.value}
	}
	w.Produce(t, records...)
	file := writeFile(t, "order.avsc", orderSchema)
	registry := fmt.Sprintf("schema_registry: {urls: [%q], unknown_grace: 1s}\n", url)
	readers := []wireReader{
		{"`auto`, registry", "  format: auto\n", registry},
		{"`avro`, registry", "  format: avro\n", registry},
		{"`auto`, file", fmt.Sprintf("  format: auto\n  schema_file: %q\n", file), ""},
		{"`avro`, file", fmt.Sprintf("  format: avro\n  schema_file: %q\n", file), ""},
	}
	cells := make([][]string, len(readers))
	for i, r := range readers {
		cells[i] = w.readWire(r, i, list)
	}
	wantWireTable(t, wireTable(readers, list, cells))
}

// readWire runs a configuration, and gives what became of each record.
func (w *world) readWire(r wireReader, number int, list []wireRecord) []string {
	w.t.Helper()
	group := fmt.Sprintf("group: %sdeskstream%d", w.prefix, number)
	text := readFile(w.t, w.config(settings{source: r.source}))
	path := writeFile(w.t, "wire.yaml", strings.Replace(text, "group: "+w.prefix+"deskstream", group, 1)+r.registry)
	before := w.settled()
	p := w.start(path)
	await(w.t, r.title+" to settle all records", func() bool { p.alive(); return w.settled() == before+2*len(list) })
	p.stop()
	cells := make([]string, len(list))
	for _, rec := range outcomeRecords(w.Consume(w.t, w.topic(responsesTopic))) {
		var o sink.Outcome
		if err := json.Unmarshal(rec.Value, &o); err != nil {
			w.t.Fatal(err)
		}
		if o.Destination.Name == crm && "group: "+o.Source.Group == group+"."+crm {
			i := o.Source.Offset
			cells[i] = "-"
			if r.registry != "" || !list[i].other {
				cells[i] = list[i].became(w.t, &o, r.registry != "")
			}
		}
	}
	return cells
}

// became is what an outcome says of the record: "read" means with all its data.
func (r *wireRecord) became(t *testing.T, o *sink.Outcome, registered bool) string {
	t.Helper()
	if o.Outcome == sink.Dead {
		if registered && r.set != "" && !strings.Contains(o.Error.Message, r.set) {
			t.Errorf("%s: the error is %q, want it to name %s", r.writer, o.Error.Message, r.set)
		}
		l := letters.Letter{Dialect: letters.Own, Class: string(o.Error.Class), Code: string(o.Error.Code), Message: o.Error.Message}
		if advice := letters.Advice(&l); r.set != "" && registered && strings.Contains(advice, "discard") {
			t.Errorf("%s: the advice for %q is %q", r.writer, o.Error.Message, advice)
		}
		return "`" + string(o.Error.Code) + "`"
	}
	var sent strings.Builder
	for _, c := range o.Calls {
		sent.WriteString(c.URL + c.Request.String()) // a customer that has all is looked up only
	}
	for _, text := range r.holds {
		if !strings.Contains(sent.String(), text) {
			t.Errorf("%s: %s does not have %s", r.writer, sent.String(), text)
		}
	}
	if o.Event.Lane == nil || *o.Event.Lane != wireUser {
		t.Errorf("%s: the lane is %v, want %s", r.writer, o.Event.Lane, wireUser)
	}
	return "read"
}

func wireTable(readers []wireReader, list []wireRecord, cells [][]string) string {
	var b strings.Builder
	b.WriteString("\n| writer and its settings | headers | value |")
	for _, r := range readers {
		b.WriteString(" " + r.title + " |")
	}
	b.WriteString("\n" + strings.Repeat("| --- ", 3+len(readers)) + "|\n")
	for i, r := range list {
		fmt.Fprintf(&b, "| %s | %s | %s |", r.writer, r.names(), r.form)
		for n := range readers {
			b.WriteString(" " + cells[n][i] + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	return b.String()
}

// names are the record's headers as the page has them.
func (r *wireRecord) names() string {
	var list []string
	for _, h := range r.headers {
		list = append(list, "`"+h.Key+"`")
	}
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ", ")
}

func wantWireTable(t *testing.T, table string) {
	t.Helper()
	page := readFile(t, wirePage)
	before, rest, ok := strings.Cut(page, wireBegin)
	_, after, ended := strings.Cut(rest, wireEnd)
	if !ok || !ended {
		t.Fatalf("%s has no place for the table", wirePage)
	}
	renewed := before + wireBegin + table + wireEnd + after
	if *updateDocs {
		if err := os.WriteFile(wirePage, []byte(renewed), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(page, renewed); diff != "" {
		t.Errorf("%s differs from what the program does, run with -update-docs (-page +program):\n%s", wirePage, diff)
	}
}
