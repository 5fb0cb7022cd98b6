package trengo_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/sinktest"
	"github.com/deskstream/deskstream/sink/trengo"
)

func TestSend_searchGoesOnWhileNoPageHasTheContact(t *testing.T) {
	more := answer{200, `{"data":[{"id":1,"email":"x"}],"links":{"next":"https://elsewhere.example/?page=2"}}`}
	do := script([]answer{more, more, hits(adaHit)}, nil, []answer{{201, `{"id":42}`}})
	receipt, err := send(t, newIDs(), do, openAda())
	if err != nil || receipt.IDs["contact_id"] != "7" || len(do.calls) != 4 {
		t.Errorf("Send = %v, %v after %q; want contact 7 on page 3", receipt.IDs, err, do.seen())
	}
	if do.calls[2].Path != "/contacts" || do.calls[2].Query != "page=3&term=ada%40example.test" {
		t.Errorf("third call = %q", do.seen()[2])
	}
	do = script([]answer{more}, nil, nil)
	receipt, err = send(t, newIDs(), do, openAda())
	if got := outcome(t, err); got != "invalid contact_not_found" || len(do.calls) != 4 || len(receipt.Warnings) != 1 {
		t.Errorf("outcome = %q with %q after %d calls, want contact_not_found with a warning after 4", got, receipt.Warnings, len(do.calls))
	}
	do = script([]answer{{200, `{"data":[],"links":{"next":"x"}}`}}, nil, nil)
	if _, err = send(t, newIDs(), do, openAda()); len(do.calls) != 1 {
		t.Errorf("%d calls, %v; want one: an empty page is the last", len(do.calls), err)
	}
}

func TestSend_idsFoundAndMadeAreRemembered(t *testing.T) {
	ids := newIDs()
	do := script([]answer{hits()}, []answer{{200, ``}}, []answer{{201, `{"id":9}`}})
	for _, step := range []mapped.Step{saveAda("Ada"), saveAda("Ada"), openAda()} {
		if _, err := send(t, ids, do, step); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		lookupAda, `POST /channels/880/contacts {"name":"Ada","identifier":"ada@example.test","channel_id":"880"}`,
		`PUT /contacts/9 {"name":"Ada"}`, // what was sent before is no evidence that it still holds
		`POST /tickets {"contact_id":9,"channel_id":"880","subject":"Hello"}`,
	}
	if diff := cmp.Diff(want, do.seen()); diff != "" {
		t.Errorf("calls differ (-want +got):\n%s", diff)
	}
}

func TestSend_rememberedIDsHoldForOneAddressAndChannel(t *testing.T) {
	ids := newIDs()
	do := script([]answer{hits(adaHit)}, nil, []answer{{201, `{"id":42}`}})
	same, other := openAda(), openAda()
	same.Identifier = " ADA@example.test"
	other.Channel = mapping.Int(71)
	for i, tt := range []struct {
		step  mapped.OpenTicket
		calls int
	}{{openAda(), 2}, {same, 3}, {other, 5}} {
		if _, err := send(t, ids, do, tt.step); err != nil || len(do.calls) != tt.calls {
			t.Errorf("after message %d: %v, %d calls, want %d: %q", i, err, len(do.calls), tt.calls, do.seen())
		}
	}
}

func TestSend_rememberedIDThatIsGoneIsLookedUpOnce(t *testing.T) {
	tests := []struct {
		name    string
		step    mapped.Step
		do      *fake
		calls   []string
		contact string
		outcome string
	}{
		{
			"another contact now", openAda(), script([]answer{hits(`{"id":8,"email":"ada@example.test"}`)}, nil, []answer{{422, ``}, {201, `{"id":42}`}}),
			[]string{"POST /tickets", "GET /contacts", "POST /tickets"},
			"8", "",
		},
		{
			"refused again", openAda(), script([]answer{hits(`{"id":8,"email":"ada@example.test"}`)}, nil, []answer{{404, ``}, {422, ``}}),
			[]string{"POST /tickets", "GET /contacts", "POST /tickets"},
			"", "rejected http_422",
		},
		{
			"not there any more", openAda(), script([]answer{hits()}, nil, []answer{{404, ``}}),
			[]string{"POST /tickets", "GET /contacts"},
			"", "invalid contact_not_found",
		},
		{
			"created anew", saveAda("Ada"), script([]answer{hits()}, []answer{{404, ``}}, []answer{{201, `{"id":9}`}}),
			[]string{"PUT /contacts/{id}", "GET /contacts", "POST /channels/{id}/contacts"},
			"9", "",
		},
		{
			"has the name already", saveAda("Ada"), script([]answer{hits(adaHit)}, []answer{{422, ``}}, nil),
			[]string{"PUT /contacts/{id}", "GET /contacts"},
			"7", "nothing_to_update",
		},
		{
			"refused for another reason", openAda(), script(nil, nil, []answer{{400, ``}}),
			[]string{"POST /tickets"},
			"5", "rejected http_400",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ids := newIDs()
			if _, err := send(t, ids, script([]answer{hits(`{"id":5,"email":"ada@example.test"}`)}, []answer{{200, ``}}, nil), saveAda("x")); err != nil {
				t.Fatal(err)
			}
			receipt, err := send(t, ids, tt.do, tt.step)
			if got := outcome(t, err); got != tt.outcome || receipt.IDs["contact_id"] != tt.contact {
				t.Errorf("outcome = %q, contact %q; want %q, %q", got, receipt.IDs["contact_id"], tt.outcome, tt.contact)
			}
			var ops []string
			for _, c := range tt.do.calls {
				ops = append(ops, c.Op)
			}
			if diff := cmp.Diff(tt.calls, ops); diff != "" {
				t.Errorf("calls differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSend_refusedIDIsForgotten(t *testing.T) {
	ids := newIDs()
	for range 2 {
		do := script([]answer{hits(adaHit)}, nil, []answer{{422, ``}})
		if _, err := send(t, ids, do, openAda()); outcome(t, err) != "rejected http_422" || len(do.calls) != 2 {
			t.Errorf("error %v after %q, want one search and one refusal", err, do.seen())
		}
	}
}

// slow is a Doer that waits before it lets the fake answer a search.
func slow(do sink.Doer, wait <-chan struct{}) sink.Doer {
	return sinktest.DoerFunc(func(ctx context.Context, call sink.Call) (sink.Reply, error) {
		if call.Lookup {
			<-wait
		}
		return do.Do(ctx, call)
	})
}

func TestSend_eventsOfOneNewContactCreateItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids, wait := newIDs(), make(chan struct{})
		do := script([]answer{hits()}, []answer{{200, ``}}, []answer{{201, `{"id":9}`}})
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				message := mapped.Message{Steps: []mapped.Step{saveAda("Ada")}}
				if _, err := trengo.New(ids).Send(context.Background(), slow(do, wait), message); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(wait)
		group.Wait()
		ops := map[string]int{}
		for _, c := range do.calls {
			ops[c.Op]++
		}
		want := map[string]int{"GET /contacts": 1, "POST /channels/{id}/contacts": 1, "PUT /contacts/{id}": 3}
		if diff := cmp.Diff(want, ops); diff != "" {
			t.Errorf("calls differ (-want +got):\n%s", diff)
		}
	})
}

func TestSend_identifyThatWaitedForATracksSearchCreates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids, wait := newIDs(), make(chan struct{})
		do := script([]answer{hits()}, nil, []answer{{201, `{"id":9}`}})
		var group sync.WaitGroup
		group.Go(func() {
			_, err := trengo.New(ids).Send(context.Background(), slow(do, wait), mapped.Message{Steps: []mapped.Step{openAda()}})
			if got := outcome(t, err); got != "invalid contact_not_found" {
				t.Errorf("the track's outcome = %q", got)
			}
		})
		synctest.Wait()
		group.Go(func() {
			receipt, err := trengo.New(ids).Send(context.Background(), slow(do, wait), mapped.Message{Steps: []mapped.Step{saveAda("Ada")}})
			if err != nil || receipt.IDs["contact_id"] != "9" {
				t.Errorf("the identify = %v, %v; want contact 9", receipt.IDs, err)
			}
		})
		synctest.Wait()
		close(wait)
		group.Wait()
		if len(do.calls) != 3 {
			t.Errorf("calls = %q, want two searches and a create", do.seen())
		}
	})
}

// planning answers lookups by find and writes by the stand-in of plan.
func planning(find func(sink.Call) (sink.Reply, error), calls *[]sink.Call) sink.Doer {
	return sinktest.DoerFunc(func(_ context.Context, call sink.Call) (sink.Reply, error) {
		*calls = append(*calls, call)
		if call.Lookup {
			return find(call)
		}
		return sink.Reply{Planned: true}, nil
	})
}

func TestSend_planGoesOnWithAPlaceholder(t *testing.T) {
	found := func(data string, planned bool) func(sink.Call) (sink.Reply, error) {
		return func(sink.Call) (sink.Reply, error) {
			return sink.Reply{Status: 200, Body: []byte(`{"data":[` + data + `]}`), Planned: planned}, nil
		}
	}
	mayCreate := openAda()
	mayCreate.Create = true
	tests := []struct {
		name string
		step mapped.Step
		find func(sink.Call) (sink.Reply, error)
		body string // of the last call
	}{
		{"created contact's ticket", mayCreate, found("", false), `{"contact_id":"<id of the contact>","channel_id":"880","subject":"Hello"}`},
		{"offline ticket", openAda(), found("", true), `{"contact_id":"<id of the contact>","channel_id":"880","subject":"Hello"}`},
		{"offline identify", saveAda("Ada"), found("", true), `{"name":"Ada","identifier":"ada@example.test","channel_id":"880"}`},
		{"update", saveAda("Ada L"), found(adaHit, false), `{"name":"Ada L"}`},
	}
	for _, tt := range tests {
		var calls []sink.Call
		receipt, err := send(t, newIDs(), planning(tt.find, &calls), tt.step)
		if err != nil || len(receipt.Warnings) > 0 {
			t.Errorf("%s: %v, warnings %q", tt.name, err, receipt.Warnings)
			continue
		}
		if got := calls[len(calls)-1].Body.JSON(); got != tt.body {
			t.Errorf("%s: last body = %s, want %s", tt.name, got, tt.body)
		}
	}
}
