package kustomer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/kustomer"
	"github.com/deskstream/deskstream/sink/sinktest"
)

func TestSend_remembersWhatALookupFound(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {found("c-1")}}}
	c := kustomer.New(newIDs())
	deliver(t, c, d, identify("u1", "an", "a@example.test", "A"))
	wantCalls(t, d, byEmail, byUser, put("c-1"))
	for _, event := range []string{
		identify("u1", "an", "A@Example.test", "B"), identify("u1", "", "", "B"), identify("u1", "other", "a@example.test", "B"),
	} {
		deliver(t, c, d, event)
		wantCalls(t, d, put("c-1"))
	}
}

func TestSend_remembersWhatItCreated(t *testing.T) {
	d := &desk{}
	c := kustomer.New(newIDs())
	deliver(t, c, d, identify("", "an", "", "A"))
	wantCalls(t, d, byAnon, create)
	deliver(t, c, d, identify("u1", "an", "", "A"))
	wantCalls(t, d, byUser, put("new"))
	deliver(t, c, d, identify("u1", "", "", "B"))
	wantCalls(t, d, put("new"))
}

func TestSend_memoryDoesNotReplaceAnEarlierLookup(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {found("c-1")}, byEmail: {found("c-2")}}}
	c := kustomer.New(newIDs())
	deliver(t, c, d, identify("u1", "", "", "A"))
	d.calls = nil
	deliver(t, c, d, identify("u1", "", "a@example.test", "A"))
	wantCalls(t, d, byEmail, put("c-2"))
}

func TestSend_rememberedCustomerAnswersOnlyForItsOwner(t *testing.T) {
	for name, events := range map[string][2]string{
		"a browser's next visitor":       {identify("u0", "an", "", "A"), identify("", "an", "", "B")},
		"a browser's next user":          {identify("u0", "an", "", "A"), identify("u1", "an", "", "B")},
		"an address that two users have": {identify("u0", "", "a@example.test", "A"), identify("u1", "", "a@example.test", "B")},
	} {
		d := &desk{}
		c := kustomer.New(newIDs())
		deliver(t, c, d, events[0])
		d.calls = nil
		deliver(t, c, d, events[1])
		if last := d.calls[len(d.calls)-1]; last != create {
			t.Errorf("%s: calls %q, want a create", name, d.calls)
		}
	}
}

func TestSend_kustomerIDEventMovesTheOwner(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {found("c-1"), {404, ``}}}}
	c := kustomer.New(newIDs())
	deliver(t, c, d, identify("u1", "", "", "A"))
	deliver(t, c, d, `{"type":"identify","userId":"u2","context":{"externalId":[{"type":"kustomerId","id":"c-1"}]}}`)
	d.calls = nil
	deliver(t, c, d, identify("u1", "", "", "A"))
	wantCalls(t, d, byUser, create)
}

func TestSend_goneCustomerIsForgottenAndFoundAgain(t *testing.T) {
	for _, status := range []int{404, 422} {
		d := &desk{script: map[string][]answer{byUser: {found("c-1"), found("c-2")}, "PUT /v1/customers/c-1": {{200, ``}, {status, ``}}}}
		c := kustomer.New(newIDs())
		deliver(t, c, d, identify("u1", "", "", "A"))
		d.calls = nil
		receipt := deliver(t, c, d, identify("u1", "", "", "B"))
		wantCalls(t, d, put("c-1"), byUser, put("c-2"))
		if receipt.IDs["customer_id"] != "c-2" {
			t.Errorf("ids %v", receipt.IDs)
		}
		deliver(t, c, d, identify("u1", "", "", "C"))
		wantCalls(t, d, put("c-2"))
	}
}

func TestSend_goneCustomerIsForgottenWhateverFollows(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {found("c-1"), {400, ``}, {404, ``}}, "PUT /v1/customers/c-1": {{200, ``}, {404, ``}}}}
	c := kustomer.New(newIDs())
	deliver(t, c, d, identify("u1", "", "a@example.test", "A"))
	_, err := c.Send(t.Context(), d, message(t, identify("u1", "", "", "B")))
	wantFailure(t, err, sink.StageLookup, "http_400")
	d.calls = nil
	deliver(t, c, d, identify("u1", "", "a@example.test", "C"))
	wantCalls(t, d, byEmail, byUser, create)
}

func TestSend_lookupShowsWhoseCustomerItIs(t *testing.T) {
	refused := map[string][]answer{"PUT /v1/customers/c-1": {{200, ``}, {400, ``}, {200, ``}}}
	for attributes, want := range map[string]string{
		`{"externalId":"u1","name":"x"}`: put("c-1"),
		`{"externalId":"u9"}`:            byUser,
		`{"externalId":null}`:            byUser,
	} {
		refused[byUser], refused[byEmail] = []answer{found("c-1"), withAttributes(attributes)}, []answer{withAttributes(attributes)}
		d := &desk{script: maps.Clone(refused)}
		c := kustomer.New(newIDs())
		deliver(t, c, d, identify("u1", "", "", "A"))
		_, err := c.Send(t.Context(), d, mapped(t, identify("u1", "", "a@example.test", "B"), mapper.Config{Lists: mapper.ReplaceLists}))
		wantFailure(t, err, sink.StageRequest, "http_400")
		d.calls = nil
		deliver(t, c, d, identify("u1", "", "", "C"))
		if d.calls[0] != want {
			t.Errorf("attributes %s: calls %q, want %s first", attributes, d.calls, want)
		}
	}
}

func TestSend_ownerIsKnownBeforeTheFirstWrite(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {withAttributes(`{"externalId":"u1"}`)}, "PUT /v1/customers/c-1": {{400, ``}, {200, ``}}}}
	c := kustomer.New(newIDs())
	_, err := c.Send(t.Context(), d, message(t, identify("u1", "", "", "A")))
	wantFailure(t, err, sink.StageRequest, "http_400")
	d.calls = nil
	deliver(t, c, d, identify("u1", "", "", "B"))
	wantCalls(t, d, put("c-1"))
}

func TestSend_goneCustomerThatNobodyFindsIsCreated(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {found("c-1"), {404, ``}}, "PUT /v1/customers/c-1": {{200, ``}, {404, ``}}}}
	c := kustomer.New(newIDs())
	deliver(t, c, d, identify("u1", "", "", "A"))
	d.calls = nil
	deliver(t, c, d, identify("u1", "", "", "B"))
	wantCalls(t, d, put("c-1"), byUser, create)
}

func TestSend_startsOverOnlyOnce(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {found("c-1")}, "PUT /v1/customers/c-1": {{200, ``}, {422, ``}}}}
	c := kustomer.New(newIDs())
	deliver(t, c, d, identify("u1", "", "", "A"))
	d.calls = nil
	_, err := c.Send(t.Context(), d, message(t, identify("u1", "", "", "B")))
	wantFailure(t, err, sink.StageRequest, "http_422")
	wantCalls(t, d, put("c-1"), byUser, put("c-1"))
}

func TestSend_sharesALookupThatIsUnderWay(t *testing.T) {
	for name, tt := range map[string]struct {
		mode mapper.ListMode
		want map[string]int
	}{
		"lists are left":   {mapper.LeaveLists, map[string]int{byEmail: 1, put("c-1"): 2}},
		"lists are merged": {mapper.MergeLists, map[string]int{byEmail: 1, "GET /v1/customers/c-1": 1, put("c-1"): 2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{script: map[string][]answer{byEmail: {found("c-1")}, "GET /v1/customers/c-1": {found("c-1")}}}
				slow := sinktest.DoerFunc(func(ctx context.Context, call sink.Call) (sink.Reply, error) {
					if call.Lookup {
						time.Sleep(time.Second) // of the bubble's clock
					}
					return d.Do(ctx, call)
				})
				c := kustomer.New(newIDs())
				var wg sync.WaitGroup
				for _, user := range []string{"u1", "u2"} {
					event := `{"type":"identify","userId":"` + user + `","traits":{"email":"a@example.test","tags":"of-` + user + `"}}`
					m := mapped(t, event, mapper.Config{Lists: tt.mode})
					wg.Go(func() {
						if _, err := c.Send(t.Context(), slow, m); err != nil {
							t.Errorf("sending %s: %v", event, err)
						}
					})
				}
				wg.Wait()
				calls := map[string]int{}
				for _, call := range d.calls {
					calls[call]++
				}
				if diff := cmp.Diff(tt.want, calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// withAttributes is a lookup's answer that shows attributes.
func withAttributes(attributes string) answer {
	return answer{200, `{"data":{"id":"c-1","attributes":` + attributes + `}}`}
}

func TestSend_nothingToUpdateWhenTheLookupShowsAllOfIt(t *testing.T) {
	const event = `{"type":"identify","userId":"u1","traits":{"name":"A","email":"a@example.test","createdAt":"2020-01-02T03:04:05.000Z","tags":["x","y"],"customObject":{"seatsNum":3}}}`
	const full = `"externalId":"u1","emails":[{"email":"a@example.test","type":"home","verified":true,"id":null}],"signedUpAt":"2020-01-02T03:04:05.000Z"`
	for _, c := range []struct {
		attributes string
		skipped    bool
	}{
		{`{"name":"A",` + full + `,"tags":["x","y"],"custom":{"seatsNum":3,"planStr":"p"},"phones":[]}`, true},
		{`{"name":"B",` + full + `,"tags":["x","y"],"custom":{"seatsNum":3}}`, false},
		{`{"name":"A",` + full + `,"tags":["y","x"],"custom":{"seatsNum":3}}`, true},
		{`{"name":"A",` + full + `,"tags":["x","y","z"],"custom":{"seatsNum":3}}`, true},
		{`{"name":"A",` + full + `,"tags":["x","z"],"custom":{"seatsNum":3}}`, false},
		{`{"name":"A",` + full + `,"tags":["x","y"],"custom":{"seatsNum":"3"}}`, false},
		{`{"name":"A",` + full + `,"tags":["x","y"]}`, false},
		{`null`, false},
	} {
		d := &desk{script: map[string][]answer{byEmail: {withAttributes(c.attributes)}}}
		receipt, err := kustomer.New(newIDs()).Send(t.Context(), d, message(t, event))
		if skipped := errors.Is(err, mapping.NothingToUpdate); skipped != c.skipped || !skipped && err != nil {
			t.Errorf("attributes %s: error %v, want skipped %t", c.attributes, err, c.skipped)
		}
		if receipt.IDs["customer_id"] != "c-1" {
			t.Errorf("ids %v", receipt.IDs)
		}
	}
}

func TestSend_companyAndRevAreAlwaysSent(t *testing.T) {
	for _, member := range []string{`"company":"c"`, `"rev":1`} {
		d := &desk{script: map[string][]answer{byUser: {withAttributes(`{"externalId":"u1",` + member + `}`)}}}
		deliver(t, kustomer.New(newIDs()), d, `{"type":"identify","userId":"u1","traits":{`+member+`}}`)
		wantCalls(t, d, byUser, put("c-1"))
	}
}

func TestSend_whatWasSentBeforeIsNoEvidence(t *testing.T) {
	d := &desk{script: map[string][]answer{byUser: {withAttributes(`{"externalId":"u1","name":"A"}`)}}}
	c := kustomer.New(newIDs())
	if _, err := c.Send(t.Context(), d, message(t, identify("u1", "", "", "A"))); !errors.Is(err, mapping.NothingToUpdate) {
		t.Fatalf("error %v", err)
	}
	d.calls = nil
	deliver(t, c, d, identify("u1", "", "", "A"))
	wantCalls(t, d, put("c-1"))
}

// With a memory an account must come to hold what it holds without one, whatever
// users, visitors and addresses are mixed: nobody is merged with anybody because
// of what is remembered.
func TestSend_memoryMergesNobody(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	one := func(values ...string) string { return values[random.IntN(len(values))] }
	for range 700 {
		with, without := &account{}, &account{}
		remembering, forgetful := kustomer.New(newIDs()), kustomer.New(sink.NewIDs(1, 0))
		var events []string
		for i := range 12 {
			event := identify(one("", "u1", "u2", "u3"), one("an", "bn"), one("", "", "a@example.test", "b@example.test"), fmt.Sprint(one("N", "M"), i/4))
			event = strings.Replace(event, `"traits":{`, one(`"traits":{`, `"traits":{"phone":"+3161",`, `"traits":{"phone":"+3162",`, `"traits":{"tags":["x"],`), 1)
			events = append(events, event)
			m := message(t, event)
			_, err := remembering.Send(t.Context(), with, m)
			_, wantErr := forgetful.Send(t.Context(), without, m)
			if diff := cmp.Diff(without.String(), with.String()); diff != "" {
				t.Fatalf("after\n%s\nerrors %v and %v, without and with memory:\n%s", strings.Join(events, "\n"), wantErr, err, diff)
			}
		}
	}
}

// Who the event is about is found the same way with what the first event left in memory.
func TestSend_rememberedConflictGoesTheSameWay(t *testing.T) {
	d := &desk{script: map[string][]answer{
		byEmail: {who("c-1", `{"emails":[{"email":"a@example.test"}]}`)}, byUser: {who("c-2", `{"externalId":"u1"}`)},
		update: {{409, ""}},
	}}
	c := kustomer.New(newIDs())
	for range 2 {
		deliver(t, c, d, identify("u1", "", "a@example.test", "A"))
		wantCalls(t, d, byEmail, put("c-1"), byUser, put("c-2"))
	}
	deliver(t, c, d, identify("u1", "", "", "A"))
	wantCalls(t, d, put("c-2"))
}

// A company that is sent back undoes what people change at the desk, so it is looked at
// again when it is as old as anything that is remembered, however often it was sent.
func TestSend_companyIsLookedAtAgain(t *testing.T) {
	for company, want := range map[string][]string{
		`{"company":{"data":{"id":"5fc"}}}`: {byUser, put("c-1")},
		`{}`:                                {put("c-1")},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &desk{script: map[string][]answer{byUser: {{200, `{"data":{"id":"c-1","attributes":{"externalId":"u1"},"relationships":` + company + `}}`}}}}
			c := kustomer.New(sink.NewIDs(100, 10*time.Minute))
			for range 2 {
				deliver(t, c, d, identify("u1", "", "", "A"))
				time.Sleep(6 * time.Minute) // of the bubble's clock
			}
			d.calls = nil
			deliver(t, c, d, identify("u1", "", "", "A"))
			wantCalls(t, d, want...)
		})
	}
}
