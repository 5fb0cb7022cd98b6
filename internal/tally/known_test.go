package tally_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/tally"
)

// outcomeOf is an outcome of an identify with the given number of calls.
func outcomeOf(lane string, offset int64, calls int, ids string) *kgo.Record {
	list := strings.Join(slices.Repeat([]string{`{"method":"GET","url":"http://desk.test/x","attempts":1}`}, calls), ",")
	return &kgo.Record{Value: fmt.Appendf(nil,
		`{"event":{"type":"identify","lane":%q},"destination":{"name":"crm"},"outcome":"delivered","calls":[%s],"ids":%s,"source":{"topic":"events","partition":0,"offset":%d}}`,
		lane, list, ids, offset)}
}

func TestReport_aUserIsKnownOnceAnEventFoundTheVendorsID(t *testing.T) {
	b := tally.NewBook(byUser(), tally.Destination{Name: "crm", Type: "kustomer", BaseURL: "http://desk.test"})
	b.Outcome(outcomeOf("a", 0, 4, `{"customer_id":"c1"}`)) // finds it
	b.Outcome(outcomeOf("a", 1, 1, `{"customer_id":"c1"}`)) // known
	b.Outcome(outcomeOf("a", 2, 0, `{}`))                   // known, but no call
	b.Outcome(outcomeOf("b", 3, 2, `{"tracking_id":"t"}`))  // another user
	b.Outcome(outcomeOf("b", 4, 3, `{"customer_id":"c2"}`)) // still not known
	b.Outcome(outcomeOf("", 5, 2, `{"customer_id":"c3"}`))  // stands alone
	b.Outcome(outcomeOf("", 6, 2, `{"customer_id":"c3"}`))  // so does this
	got := b.Report(nil).Destinations[0].Kinds["identify"]
	want := tally.Kind{Events: 7, Calls: 14, WarmEvents: 1, WarmCalls: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("identify (-want +got):\n%s", diff)
	}
}
