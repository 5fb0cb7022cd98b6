package trengo_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/sinktest"
	"github.com/deskstream/deskstream/sink/trengo"
)

func withID(id mapping.Value) mapped.Contact {
	return mapped.Contact{ID: id, Channel: mapping.Int(71), Name: "Ada"}
}

// outcome is the code of a failure, the reason of a skip, or "" for none.
func outcome(t *testing.T, err error) string {
	t.Helper()
	if skip, ok := errors.AsType[mapping.Skip](err); ok {
		return string(skip)
	}
	if f, ok := errors.AsType[*sink.Failure](err); ok {
		return string(f.Class) + " " + string(f.Code)
	}
	if err != nil {
		t.Fatalf("error = %v, neither a failure nor a skip", err)
	}
	return ""
}

func TestSend_callsThatEachMessageNeeds(t *testing.T) {
	created := `POST /channels/880/contacts {"name":"Ada","identifier":"ada@example.test","channel_id":"880"}`
	update := `PUT /contacts/7 {"name":"Ada L"}`
	ticket := `POST /tickets {"contact_id":7,"channel_id":"880","subject":"Hello"}`
	noSearch := saveAda("Ada")
	noSearch.Search = false
	noChannel := saveAda("Ada L")
	noChannel.Channel = mapping.Value{}
	mayCreate := openAda()
	mayCreate.Create = true
	noSubject := openAda()
	noSubject.Subject = ""
	tests := []struct {
		name    string
		step    mapped.Step
		do      *fake
		calls   []string
		ids     map[string]string
		outcome string
	}{
		{
			"new contact", saveAda("Ada"), script([]answer{hits()}, nil, []answer{{201, `{"id":9007199254740993}`}}),
			[]string{lookupAda, created},
			map[string]string{"contact_id": "9007199254740993"},
			"",
		},
		{
			"new contact without a name", saveAda(""), script([]answer{hits()}, nil, []answer{{200, `{"id":9}`}}),
			[]string{lookupAda, strings.Replace(created, `"name":"Ada",`, "", 1)},
			map[string]string{"contact_id": "9"},
			"",
		},
		{
			"contact to rename", saveAda("Ada L"), script([]answer{hits(adaHit)}, []answer{{200, `{}`}}, nil),
			[]string{lookupAda, update},
			map[string]string{"contact_id": "7"},
			"",
		},
		{
			"contact with the name already", saveAda("Ada"), script([]answer{hits(adaHit)}, nil, nil),
			[]string{lookupAda},
			map[string]string{"contact_id": "7"},
			"nothing_to_update",
		},
		{
			"contact with the name and blanks around it", saveAda("Ada"), script([]answer{hits(`{"id":7,"email":"ada@example.test","name":" Ada\u00a0"}`)}, nil, nil),
			[]string{lookupAda},
			map[string]string{"contact_id": "7"},
			"nothing_to_update",
		},
		{
			"contact there, no name to give", saveAda(""), script([]answer{hits(adaHit)}, nil, nil),
			[]string{lookupAda},
			map[string]string{"contact_id": "7"},
			"nothing_to_update",
		},
		{
			"dedup off", noSearch, script(nil, nil, []answer{{201, `{"id":9}`}}),
			[]string{created},
			map[string]string{"contact_id": "9"},
			"",
		},
		{
			"known contact",
			mapped.SaveContact{Contact: withID(mapping.Str("a?b#c%")), Search: true},
			script(nil, []answer{{204, ``}}, nil),
			[]string{`PUT /contacts/a%3Fb%23c%25 {"name":"Ada"}`},
			map[string]string{"contact_id": "a?b#c%"},
			"",
		},
		{
			"known contact gone",
			mapped.SaveContact{Contact: withID(mapping.Int(7)), Search: true},
			script(nil, []answer{{404, ``}}, nil),
			[]string{`PUT /contacts/7 {"name":"Ada"}`},
			map[string]string{"contact_id": "7"},
			"rejected http_404",
		},
		{
			"no channel, contact there", noChannel, script([]answer{hits(adaHit)}, []answer{{200, ``}}, nil),
			[]string{lookupAda, update},
			map[string]string{"contact_id": "7"},
			"",
		},
		{
			"no channel, contact new", noChannel, script([]answer{hits()}, nil, nil),
			[]string{lookupAda},
			map[string]string{},
			"invalid missing_channel",
		},
		{
			"ticket", openAda(), script([]answer{hits(adaHit)}, nil, []answer{{201, `{"id":42}`}}),
			[]string{lookupAda, ticket},
			map[string]string{"contact_id": "7", "ticket_id": "42"},
			"",
		},
		{
			"ticket without a subject", noSubject, script([]answer{hits(adaHit)}, nil, []answer{{201, `{"id":42}`}}),
			[]string{lookupAda, `POST /tickets {"contact_id":7,"channel_id":"880"}`},
			map[string]string{"contact_id": "7", "ticket_id": "42"},
			"",
		},
		{
			"ticket of a known contact",
			mapped.OpenTicket{Contact: withID(mapping.Str("7"))},
			script(nil, nil, []answer{{201, `{"id":42}`}}),
			[]string{`POST /tickets {"contact_id":"7","channel_id":71}`},
			map[string]string{"contact_id": "7", "ticket_id": "42"},
			"",
		},
		{
			"ticket, contact not there", openAda(), script([]answer{hits()}, nil, nil),
			[]string{lookupAda},
			map[string]string{},
			"invalid contact_not_found",
		},
		{
			"ticket, contact created", mayCreate, script([]answer{hits()}, nil, []answer{{201, `{"id":7}`}, {201, `{"id":42}`}}),
			[]string{lookupAda, strings.Replace(created, `"name":"Ada",`, "", 1), ticket},
			map[string]string{"contact_id": "7", "ticket_id": "42"},
			"",
		},
		{
			"ticket refused", openAda(), script([]answer{hits(adaHit)}, nil, []answer{{422, ``}}),
			[]string{lookupAda, ticket},
			map[string]string{},
			"rejected http_422",
		},
		{
			"search malformed", openAda(), script([]answer{{200, `{}`}}, nil, nil),
			[]string{lookupAda},
			map[string]string{},
			"exhausted bad_answer",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			receipt, err := send(t, newIDs(), tt.do, tt.step)
			if got := outcome(t, err); got != tt.outcome {
				t.Errorf("outcome = %q (%v), want %q", got, err, tt.outcome)
			}
			if diff := cmp.Diff(tt.calls, tt.do.seen()); diff != "" {
				t.Errorf("calls differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.ids, receipt.IDs); diff != "" {
				t.Errorf("ids differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSend_onlyTicketsAndUnsearchedCreatesAreUnrepeatable(t *testing.T) {
	do := script([]answer{hits(), hits(adaHit)}, []answer{{200, ``}}, []answer{{201, `{"id":9}`}})
	unsearched := saveAda("Ada")
	unsearched.Search = false
	for _, step := range []mapped.Step{saveAda("Ada"), unsearched, saveAda("Ada L"), openAda()} {
		if _, err := send(t, newIDs(), do, step); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, c := range do.calls {
		if c.Unrepeatable {
			got = append(got, c.Op)
		}
		if c.Lookup != (c.Method == http.MethodGet) {
			t.Errorf("%s is a lookup: %v", c.Op, c.Lookup)
		}
	}
	if diff := cmp.Diff([]string{"POST /channels/{id}/contacts", "POST /tickets"}, got); diff != "" {
		t.Errorf("unrepeatable calls differ (-want +got):\n%s", diff)
	}
}

func TestSend_stepsAreDoneInOrder(t *testing.T) {
	do := script([]answer{hits()}, nil, []answer{{201, `{"id":9}`}, {201, `{"id":42}`}})
	receipt, err := send(t, newIDs(), do, saveAda("Ada"), openAda())
	want := []string{
		lookupAda, `POST /channels/880/contacts {"name":"Ada","identifier":"ada@example.test","channel_id":"880"}`,
		`POST /tickets {"contact_id":9,"channel_id":"880","subject":"Hello"}`,
	}
	if diff := cmp.Diff(want, do.seen()); diff != "" || err != nil || receipt.IDs["ticket_id"] != "42" {
		t.Errorf("error %v, ids %v, calls (-want +got):\n%s", err, receipt.IDs, diff)
	}
}

func TestSend_nothingToUpdateSkipsOnlyWhenNoStepWrote(t *testing.T) {
	do := script([]answer{hits(adaHit)}, nil, []answer{{201, `{"id":42}`}})
	if _, err := send(t, newIDs(), do, saveAda("Ada"), openAda()); err != nil {
		t.Errorf("error = %v, want none: a ticket was opened", err)
	}
	if _, err := send(t, newIDs(), do, saveAda("Ada"), saveAda("")); !errors.Is(err, mapping.NothingToUpdate) {
		t.Errorf("error = %v, want nothing_to_update", err)
	}
}

func TestSend_answersWithoutTheIDSucceedWithAWarning(t *testing.T) {
	for _, body := range []string{``, `{}`, `{"id":0}`, `{"id":null}`, `[]`} {
		do := script([]answer{hits()}, nil, []answer{{200, body}})
		receipt, err := send(t, newIDs(), do, saveAda("Ada"))
		if diff := cmp.Diff([]string{"the answer to the new contact holds no id"}, receipt.Warnings); diff != "" || err != nil {
			t.Errorf("create answered %q: %v, warnings %s", body, err, diff)
		}
		do = script([]answer{hits(adaHit)}, nil, []answer{{200, body}})
		receipt, err = send(t, newIDs(), do, openAda())
		if diff := cmp.Diff([]string{"the answer to the new ticket holds no id"}, receipt.Warnings); diff != "" || err != nil {
			t.Errorf("ticket answered %q: %v, warnings %s", body, err, diff)
		}
	}
}

func TestSend_ticketForACreatedContactWithoutIDSearchesForIt(t *testing.T) {
	step := openAda()
	step.Create = true
	do := script([]answer{hits(), hits(adaHit)}, nil, []answer{{201, ``}, {201, `{"id":42}`}})
	receipt, err := send(t, newIDs(), do, step)
	if want := map[string]string{"contact_id": "7", "ticket_id": "42"}; err != nil || !cmp.Equal(want, receipt.IDs) {
		t.Errorf("Send = %v, %v; want %v", receipt.IDs, err, want)
	}
	do = script([]answer{hits()}, nil, []answer{{201, ``}})
	_, err = send(t, newIDs(), do, step)
	if got := outcome(t, err); got != "exhausted bad_answer" || len(do.calls) != 3 {
		t.Errorf("outcome = %q after %q, want a bad answer after one more search", got, do.seen())
	}
}

func TestSend_warningsOfTheMappingComeFirst(t *testing.T) {
	do := script([]answer{hits()}, nil, []answer{{200, ``}})
	m := mapped.Message{Steps: []mapped.Step{saveAda("Ada")}, Warnings: []string{"first"}}
	receipt, err := trengo.New(newIDs()).Send(t.Context(), do, m)
	if diff := cmp.Diff([]string{"first", "the answer to the new contact holds no id"}, receipt.Warnings); diff != "" || err != nil {
		t.Errorf("error %v, warnings (-want +got):\n%s", err, diff)
	}
	if len(m.Warnings) != 1 {
		t.Errorf("the message was changed: %q", m.Warnings)
	}
}

func TestSend_errorsOfTheDoerComeBackAsTheyAre(t *testing.T) {
	for _, stop := range []error{sink.ErrInterrupted, hold.ErrHeld} {
		do := sinktest.DoerFunc(func(context.Context, sink.Call) (sink.Reply, error) { return sink.Reply{}, stop })
		for _, step := range []mapped.Step{saveAda("Ada"), openAda(), mapped.OpenTicket{Contact: withID(mapping.Int(7))}} {
			if _, err := send(t, newIDs(), do, step); !errors.Is(err, stop) {
				t.Errorf("error = %v, want %v", err, stop)
			}
		}
	}
}
