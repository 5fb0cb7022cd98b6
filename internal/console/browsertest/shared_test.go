//go:build browser

package browsertest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// bigID is above 2^53: as a float it would be another one.
const bigID = "9007199254740993"

// events are those of a shop, some of them broken. Of those with an order each is refused while
// the tickets are.
func events() string {
	var b strings.Builder
	for i := range 4 {
		fmt.Fprintf(&b, `{"type":"identify","messageId":"identify-%d","userId":"user-%d","traits":{"email":"shopper%d@example.com","name":"Shopper %d"}}`+"\n", i, i, i, i)
		fmt.Fprintf(&b, `{"type":"track","event":"Order Completed","messageId":"order-%d","userId":"user-%d","properties":{"order_id":"A-%d","revenue":%d.5},"context":{"traits":{"email":"shopper%d@example.com"}}}`+"\n", i, i, 1000+i, 10+i, i)
	}
	for i := range 1 {
		fmt.Fprintf(&b, `{"type":"track","messageId":"nameless-%d","userId":"user-%d","properties":{}}`+"\n", i, i)
	}
	b.WriteString("this is no event\n")
	fmt.Fprintf(&b, `{"type":"track","event":"Order Completed","messageId":%q,"userId":"user-big","properties":{"order_id":%[1]s},"context":{"traits":{"email":"shopper99@example.com"}}}`+"\n", bigID)
	return b.String()
}

// testPlan makes a plan, whose pages the tests after it visit.
func testPlan(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.login(operator, "/letters")
	b.plan(refusedOrders, "the field is known again")
	b.wantText("Verdicts", "Would be sent now")
}

// refusedOrders is how many of the events have an order.
const refusedOrders = 5

// openLetters is how many letters events leave while tickets are refused.
const openLetters = refusedOrders + 2*1 + 2*1

// TestConsole has one world with letters and no more events, which each test leaves as it found it.
func TestConsole(t *testing.T) {
	w := newWorld(t, 0)
	w.outage("POST /tickets", http.StatusUnprocessableEntity)
	w.produce(events())
	w.untilLetters(openLetters)
	w.outage("POST /tickets", 0)
	for _, c := range []struct {
		name string
		test func(*testing.T, *world)
	}{
		{"login", testLogin},
		{"roles", testRoles},
		{"other origins", testOtherOrigins},
		{"frames", testFrames},
		{"hosts", testHosts},
		{"big ids", testBigIDs},
		{"keyboard", testKeyboard},
		{"hold", testHold},
		{"live outcomes", testLive},
		{"plan", testPlan},
		{"every link leads to a page", testEveryLinkLeadsToAPage},
		{"narrow screens", testNarrow},
		{"schemes", testSchemes},
		{"axe", testAxe},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, w.with(t)) })
	}
}
