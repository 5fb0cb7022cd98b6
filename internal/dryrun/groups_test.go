package dryrun_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/dryrun"
	"github.com/deskstream/deskstream/sink"
)

func TestRun_saysWhatWouldGoOutTogether(t *testing.T) {
	cfg := configtest.Parse(t, `
kafka: {brokers: ["127.0.0.1:1"]}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: key-of-crm, base_url: "http://127.0.0.1:1"}
    delivery: {coalesce: true}
`)
	track := `{"type":"track","event":"Ordered","messageId":"m-4","userId":"u1"}`
	list, err := run(t, dryrun.Options{Config: cfg, Offline: true, Events: strings.NewReader(strings.Join([]string{
		identify("m-1", "u1"), identify("m-2", "u2"), identify("m-3", "u1"), track, identify("m-5", "u1"),
	}, "\n"))})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range list {
		text := *o.Event.ID
		if o.MergedInto != nil {
			text += " in " + *o.MergedInto.ID
		}
		if o.Outcome != sink.Planned || (len(o.Calls) == 0) != (o.MergedInto != nil) {
			t.Errorf("%s is %s with %d calls", text, o.Outcome, len(o.Calls))
		}
		got = append(got, text)
	}
	if diff := cmp.Diff([]string{"m-1 in m-3", "m-2", "m-3", "m-4", "m-5"}, got); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
}
