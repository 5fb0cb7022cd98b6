package demo

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/tally"
	"github.com/deskstream/deskstream/mapping"
)

func TestDemo_doesNotAddUpWithoutAnOutcome(t *testing.T) {
	var stdout strings.Builder
	d := demo{
		opts: Options{Out: &stdout}, desk: stub.New(stub.Config{}, stubs()...),
		book: tally.NewBook(mapping.PlainReader, tally.Destination{Name: "crm", Type: "kustomer"}),
	}
	if err := d.report(); err != nil {
		t.Errorf("nothing came in, and the report is %v", err)
	}
	d.book.Event(&kgo.Record{Topic: "events", Value: []byte("{}")})
	if err := d.report(); err == nil || !strings.Contains(stdout.String(), "crm: events without an outcome: 1, the first of events/0/0") {
		t.Errorf("%v with\n%s", err, stdout.String())
	}
}
