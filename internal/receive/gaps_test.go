package receive

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

func TestGaps_areLongerThanTheDeskSendsAgain(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tt := range map[string]struct {
		repeats time.Duration
		do      func(*gaps)
		want    export.Gap
	}{
		"nothing ever came":         {0, func(g *gaps) { g.start(time.Time{}, start); g.registered(start) }, export.Gap{}},
		"a short stop":              {time.Hour, func(g *gaps) { g.start(start, start.Add(59*time.Minute)) }, export.Gap{}},
		"a long stop":               {time.Hour, func(g *gaps) { g.start(start, start.Add(time.Hour)) }, export.Gap{From: start, To: start.Add(time.Hour)}},
		"any stop, without repeats": {0, func(g *gaps) { g.start(start, start.Add(time.Second)) }, export.Gap{From: start, To: start.Add(time.Second)}},
		"a short outage": {time.Hour, func(g *gaps) {
			g.took(start)
			g.refused(start.Add(time.Minute))
			g.took(start.Add(time.Hour))
		}, export.Gap{}},
		"two short outages": {time.Hour, func(g *gaps) {
			g.refused(start)
			g.took(start.Add(40 * time.Minute))
			g.refused(start.Add(41 * time.Minute))
			g.took(start.Add(80 * time.Minute))
		}, export.Gap{}},
		"a long outage": {time.Hour, func(g *gaps) {
			g.took(start)
			g.refused(start.Add(time.Minute))
			g.refused(start.Add(30 * time.Minute))
			g.took(start.Add(2 * time.Hour))
		}, export.Gap{From: start, To: start.Add(2 * time.Hour)}},
		"two gaps": {0, func(g *gaps) {
			g.start(start, start.Add(time.Minute))
			g.refused(start.Add(2 * time.Minute))
			g.took(start.Add(3 * time.Minute))
		}, export.Gap{From: start, To: start.Add(3 * time.Minute)}},
		"it was switched off": {time.Hour, func(g *gaps) {
			g.took(start)
			g.registered(start.Add(time.Minute))
		}, export.Gap{From: start, To: start.Add(time.Minute)}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGaps(tt.repeats)
			tt.do(g)
			if got := g.get(); !got.From.Equal(tt.want.From) || !got.To.Equal(tt.want.To) {
				t.Errorf("the gap is %v to %v, want %v to %v", got.From, got.To, tt.want.From, tt.want.To)
			}
			if got := len(g.news) == 1; got != !tt.want.To.IsZero() {
				t.Errorf("that there is one is told: %v", got)
			}
		})
	}
}

// A gap to which another one was added while it was closed stays open.
func TestGaps_closeWhatWasClosedOnly(t *testing.T) {
	g, now := newGaps(0), time.Now()
	g.start(now.Add(-time.Hour), now)
	first := g.get()
	g.refused(now)
	g.took(now.Add(time.Minute))
	if open := g.close(first); open.To.IsZero() || !open.From.Equal(first.From) {
		t.Errorf("open is %v", open)
	}
	if open := g.close(g.get()); !open.To.IsZero() {
		t.Errorf("open is %v", open)
	}
}

// What a desk did not send while its registration was switched off is a gap, once it is on again.
func TestRegistrations_aRegistrationThatWasOffIsAGap(t *testing.T) {
	desk := stubtest.Serve(t, stub.Config{}, stubkustomer.New())
	w := newWorld(t, `
inbound: {topic: inbound, public_url: https://hooks.example.com}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: key-for-kustomer, base_url: "`+desk.URL+stubkustomer.Path+`"}
    webhooks: {events: [contact.created], secrets: [`+kustomerSecret+`]}
`)
	r, logged := &receiver{Options: Options{Config: w.config}, metrics: w.metrics, hooks: w.hooks}, make(map[string]string)
	look := func(off, gap bool) {
		t.Helper()
		r.lookAtRegistrations(t.Context(), w.hooks["crm"], logged)
		if text := w.exposed(t); strings.Contains(text, `deskstream_receive_registrations{destination="crm",state="off"} 1`) != off {
			t.Errorf("that it is off is not %v in the metrics", off)
		}
		if got := w.hooks["crm"].gaps.get(); got.To.IsZero() == gap {
			t.Errorf("the gap is %v", got)
		}
	}
	const hook = `{"name":"h","url":"https://hooks.example.com/webhooks/crm","events":["kustomer.customer.create"],"enabled":`
	reply, err := desk.Try("key-for-kustomer", http.MethodPost, stubkustomer.Path+"/v1/outbound-webhooks", hook+"true}")
	if err != nil {
		t.Fatal(err)
	}
	id := reply.JSON(t)["data"].(map[string]any)["id"].(string)
	set := func(enabled string) {
		t.Helper()
		if reply, err := desk.Try("key-for-kustomer", http.MethodPut, stubkustomer.Path+"/v1/outbound-webhooks/"+id, hook+enabled+"}"); err != nil || reply.Status != http.StatusOK {
			t.Fatal(reply, err)
		}
	}
	if got := w.post(kustomer(t, kustomerBody("e1", time.Now()))); got.Code != http.StatusOK {
		t.Fatalf("%d", got.Code)
	}
	look(false, false)
	set("false")
	look(true, false)
	set("true")
	look(false, true)
}
