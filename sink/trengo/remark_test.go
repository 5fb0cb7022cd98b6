package trengo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/trengo"
)

// texts are the messages and notes of a ticket, the newest first.
func (s *scene) texts(ticket string) (list []string) {
	for _, m := range s.call("GET", "/tickets/"+ticket+"/messages", "").Get("data").Members() {
		list = append(list, m.Value.Get("type").Str()+" "+m.Value.Get("message").Str())
	}
	return list
}

// contactNotes are the notes of ada.
func (s *scene) contactNotes() (list []string) {
	for _, m := range s.call("GET", "/contacts/"+s.contact+"?include=notes", "").Get("notes").Members() {
		list = append(list, m.Value.Get("body").Str())
	}
	return list
}

// remarks is a rule with all that cannot be told from an earlier one but by its id.
func remarks(open rules.Opening) rules.Decision {
	return rules.Decision{Actions: []rules.Action{
		rules.NoteContact{Text: "pays late"}, rules.UseTicket{Open: open}, rules.Note{Text: "Card  declined"}, rules.Message{Text: "Please pay"},
	}}
}

func TestAct_aFailedPaymentIsFiveCalls(t *testing.T) {
	onStub(t, "", func(s *scene) {
		s.warm()
		d := failedPayment
		d.Actions = append(d.Actions[:len(d.Actions):len(d.Actions)], rules.Note{Text: "Card declined"})
		o := s.does(d)
		s.same(
			o.IDs["ticket_id"],
			`POST /tickets {"contact_id":{C},"channel_id":"123456","subject":"Payment failed"}`,
			`POST /tickets/{T}/assign {"type":"team","team_id":3001}`,
			`POST /tickets/{T}/labels {"label_id":4001}`,
			`POST /tickets/{T}/custom_fields {"custom_field_id":5002,"value":"I-7"}`,
			`POST /tickets/{T}/messages {"message":"Card declined","internal_note":true}`,
		)
		if o.IDs["note_id"] == "" || stepsOf(o)[4] != "note done" {
			s.t.Errorf("ids %v, steps %q", o.IDs, stepsOf(o))
		}
		if diff := cmp.Diff([]string{"NOTE Card declined"}, s.texts(o.IDs["ticket_id"])); diff != "" {
			s.t.Errorf("texts (-want +got):\n%s", diff)
		}
	})
}

// Of each text of a rule, what if its answer is lost?
func TestAct_textsAreAddedOnce(t *testing.T) {
	writes := map[string]string{
		"contact_note": `/notes {"note"`, "note": `"internal_note":true`, "message": `{"message":"Please pay"}`,
	}
	for step, part := range writes {
		for _, never := range []bool{false, true} {
			for _, open := range []rules.Opening{rules.OpenAlways, rules.OpenNever} {
				onStub(t, fmt.Sprintf("%s, %s, lost %v", step, open, never), func(s *scene) {
					ticket := s.open()
					// The same texts were there before.
					s.call("POST", "/tickets/"+ticket+"/messages", `{"message":"Card declined","internal_note":true}`)
					s.call("POST", "/tickets/"+ticket+"/messages", `{"message":"Please pay"}`)
					s.call("POST", "/contacts/"+s.contact+"/notes", `{"note":"pays late"}`)
					lost := false
					s.wire.before = func(call string) fate {
						if !strings.HasPrefix(call, "POST ") || !strings.Contains(call, part) || lost {
							return fate{}
						}
						lost = true
						return fate{lost: true, never: never}
					}
					o := s.does(remarks(open))
					state := " adopted"
					if never {
						state = " done"
					}
					if verdictOf(o) != "delivered" || !lost || !strings.Contains(strings.Join(stepsOf(o), ", "), step+state) {
						s.t.Fatalf("%s with the steps %q, want %s%s", verdictOf(o), stepsOf(o), step, state)
					}
					want := []string{"OUTBOUND Please pay", "NOTE Card  declined"}
					if open == rules.OpenNever {
						want = append(want, "OUTBOUND Please pay", "NOTE Card declined")
					}
					if diff := cmp.Diff(want, s.texts(o.IDs["ticket_id"])); diff != "" {
						s.t.Errorf("texts (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff([]string{"pays late", "pays late"}, s.contactNotes()); diff != "" {
						s.t.Errorf("notes of the contact (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

// A process dies with each call in turn, before or after the call took effect, and another one
// goes on with what is on record.
func TestAct_isTakenOverAfterEachCall(t *testing.T) {
	d := remarks(rules.OpenOnce)
	d.Actions = slices.Concat([]rules.Action{rules.JoinGroups{Names: []string{"VIP"}}, rules.SetProfile{Name: "Acme"}}, d.Actions)
	d.Actions = append(d.Actions[:len(d.Actions):len(d.Actions)],
		rules.Assign{Team: "Billing"}, rules.Label{Names: []string{"billing"}},
		rules.SetFields{Fields: []rules.Named{{Name: "Invoice", Value: "I-7"}}}, rules.SetStatus{Closed: true})
	calls := 0
	onStub(t, "undisturbed", func(s *scene) {
		s.does(d)
		calls = len(s.wire.calls)
	})
	if calls < 20 {
		t.Fatalf("%d calls, too few", calls)
	}
	for dies := range calls {
		for _, never := range []bool{false, true} {
			onStub(t, fmt.Sprintf("with call %d, without effect %v", dies, never), func(s *scene) {
				ctx, cancel := context.WithCancel(s.t.Context())
				n := 0
				s.wire.before = func(string) fate {
					if n++; n <= dies {
						return fate{}
					}
					cancel()
					return fate{lost: true, never: never}
				}
				if _, err := s.tries(ctx, d, nil); !errors.Is(err, sink.ErrInterrupted) {
					s.t.Fatalf("the first owner's delivery ended with %v", err)
				}
				s.wire.before, s.ids = nil, newIDs()
				o, err := s.tries(s.t.Context(), d, s.ledger.Last)
				if err != nil || o.Outcome != sink.Delivered {
					s.t.Fatalf("%s, %v after %q", verdictOf(o), err, s.wire.calls)
				}
				tickets := s.server.Desk(stubtrengo.Name).Tickets()
				if len(tickets) != 1 || tickets[0].ID != o.IDs["ticket_id"] || tickets[0].State != "CLOSED" {
					s.t.Errorf("tickets %+v", tickets)
				}
				if diff := cmp.Diff([]string{"OUTBOUND Please pay", "NOTE Card  declined"}, s.texts(tickets[0].ID)); diff != "" {
					s.t.Errorf("texts (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"pays late"}, s.contactNotes()); diff != "" {
					s.t.Errorf("notes of the contact (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"Acme"}, s.profiles()); diff != "" || len(s.named("profile")) != 1 || len(s.named("groups")) != 1 {
					s.t.Errorf("in the profiles %q and groups %q, profiles (-want +got):\n%s", s.named("profile"), s.named("groups"), diff)
				}
			})
		}
	}
}

// The ticket that was found is closed by the rule, and then its owner dies.
func TestAct_aFoundTicketIsTheOneOfTheNextProcess(t *testing.T) {
	for _, open := range []rules.Opening{rules.OpenOnce, rules.OpenNever} {
		onStub(t, string(open), func(s *scene) {
			d := rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: open}, rules.Label{Names: []string{"4001"}}, rules.SetStatus{Closed: true}}}
			ticket := s.open()
			ctx, cancel := context.WithCancel(s.t.Context())
			s.wire.before = func(call string) fate {
				if strings.Contains(call, "/close") {
					cancel()
					return fate{lost: true}
				}
				return fate{}
			}
			if _, err := s.tries(ctx, d, nil); !errors.Is(err, sink.ErrInterrupted) {
				s.t.Fatalf("the first owner's delivery ended with %v", err)
			}
			s.wire.before, s.wire.calls, s.ids = nil, nil, newIDs()
			o, err := s.tries(s.t.Context(), d, s.ledger.Last)
			if err != nil || o.IDs["ticket_id"] != ticket || len(s.server.Desk(stubtrengo.Name).Tickets()) != 1 {
				s.t.Errorf("%s, %v with the ids %v", verdictOf(o), err, o.IDs)
			}
			s.same(ticket, "GET /contacts?page=1&term=ada%40example.test", "POST /tickets/{T}/close {}")
		})
	}
}

func TestAct_aTextForATicketThatIsGone(t *testing.T) {
	onStub(t, "", func(s *scene) {
		target, source := s.open(), s.open()
		s.wire.before = func(call string) fate {
			if strings.HasPrefix(call, "POST /tickets/"+source) {
				s.call("POST", "/tickets/"+target+"/merge", `{"source_ticket_id":`+source+`}`)
			}
			return fate{}
		}
		o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenNever}, rules.Note{Text: "Card declined"}}})
		if diff := cmp.Diff([]string{"ticket skipped", "ticket:again skipped", "note done"}, stepsOf(o)); diff != "" {
			s.t.Errorf("steps (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"NOTE Card declined"}, s.texts(target)); diff != "" {
			s.t.Errorf("texts (-want +got):\n%s", diff)
		}
	})
}

func TestAct_whatsAppRefusesFreeText(t *testing.T) {
	for channel, want := range map[string]string{"123457": "dead rejected window_closed", "123456": "dead rejected http_422"} {
		onStub(t, channel, func(s *scene) {
			s.wire.before = func(call string) fate {
				if strings.Contains(call, "/messages {") {
					return fate{never: true, status: 422, body: `{"message":"no"}`}
				}
				return fate{}
			}
			o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenAlways, Channel: channel}, rules.Message{Text: "Hello"}}})
			if got := verdictOf(o); got != want || stepsOf(o)[1] != "message failed" {
				s.t.Errorf("%s with the steps %q, want %s", got, stepsOf(o), want)
			}
		})
	}
}

// The channel of a ticket that another process has opened is looked up.
func TestAct_whatsAppRefusesFreeTextAfterATakeover(t *testing.T) {
	onStub(t, "", func(s *scene) {
		d := actions(rules.UseTicket{Open: rules.OpenAlways, Channel: "123457"}, rules.Label{Names: []string{"4001"}}, rules.Message{Text: "Hello"})
		ctx, cancel := context.WithCancel(s.t.Context())
		s.wire.before = func(call string) fate {
			if strings.Contains(call, "/labels {") {
				cancel()
				return fate{lost: true}
			}
			return fate{}
		}
		if _, err := s.tries(ctx, d, nil); !errors.Is(err, sink.ErrInterrupted) {
			s.t.Fatalf("the first owner's delivery ended with %v", err)
		}
		s.wire.before, s.ids = nil, newIDs()
		o, err := s.tries(s.t.Context(), d, s.ledger.Last)
		if got := verdictOf(o); err != nil || got != "dead rejected window_closed" {
			s.t.Errorf("%s, %v", got, err)
		}
	})
}

// A remembered contact that Trengo does not have any more is looked for again, whatever comes
// first.
func TestAct_aRememberedContactThatIsGone(t *testing.T) {
	first := map[string]rules.Action{
		"field": rules.SaveContact{Fields: []rules.Named{{Name: "5001", Value: "pro"}}}, "note": rules.NoteContact{Text: "pays late"},
		"ticket": rules.UseTicket{Open: rules.OpenAlways}, "found ticket": rules.UseTicket{Open: rules.OpenOnce},
		"groups": rules.JoinGroups{Names: []string{"VIP"}}, "profile": rules.SetProfile{Name: "Acme"},
	}
	for name, action := range first {
		onStub(t, name, func(s *scene) {
			address := mapped.Contact{Kind: mapped.Email, Identifier: "ada@example.test", Channel: mapping.Str("123456")}
			s.ids.Put(string(address.Kind)+"\x00123456\x00"+address.Identifier, "999")
			o := s.does(rules.Decision{Actions: []rules.Action{action}})
			if o.Outcome != sink.Delivered || o.IDs["contact_id"] != s.contact {
				s.t.Errorf("%s with the ids %v after %q", verdictOf(o), o.IDs, s.wire.calls)
			}
		})
	}
}

func TestAct_contacts(t *testing.T) {
	nora := mapped.Contact{Kind: mapped.Email, Identifier: "nora@example.test", Name: "Nora", Channel: mapping.Str("123456")}
	plan := []rules.Named{{Name: "Plan", Value: "pro"}}
	onStub(t, "a new one is created", func(s *scene) {
		o, err := s.acts(s.t.Context(), nil, trengo.Actions{Contact: nora, Decision: rules.Decision{Actions: []rules.Action{rules.SaveContact{Create: true, Fields: plan}}}})
		made := s.call("GET", "/contacts/"+o.IDs["contact_id"], "")
		if err != nil || o.Outcome != sink.Delivered || made.Get("custom_field_data", "Plan").Str() != "pro" || made.Get("name").Str() != "Nora" {
			s.t.Errorf("%s, %v: %s", verdictOf(o), err, made.JSON())
		}
	})
	onStub(t, "a new one is not created unasked", func(s *scene) {
		o, err := s.acts(s.t.Context(), nil, trengo.Actions{Contact: nora, Decision: rules.Decision{Actions: []rules.Action{rules.SaveContact{Fields: plan}}}})
		if err != nil || verdictOf(o) != "dead invalid contact_not_found" {
			s.t.Errorf("%s, %v", verdictOf(o), err)
		}
	})
	onStub(t, "the default is done first, and its ticket is the rule's", func(s *scene) {
		ada := mapped.Contact{ID: mapping.Num(s.contact), Channel: mapping.Str("123456")}
		o, err := s.acts(s.t.Context(), nil, trengo.Actions{
			Contact: ada, Default: mapped.Message{Steps: []mapped.Step{mapped.OpenTicket{Contact: ada, Subject: "By default"}}},
			Decision: rules.Decision{Default: true, Actions: []rules.Action{rules.UseTicket{Open: rules.OpenOnce}, rules.Note{Text: "Card declined"}}},
		})
		tickets := s.server.Desk(stubtrengo.Name).Tickets()
		if err != nil || len(tickets) != 1 || tickets[0].Subject != "By default" {
			s.t.Fatalf("%s, %v, tickets %+v", verdictOf(o), err, tickets)
		}
		if diff := cmp.Diff([]string{"ticket done", "note done"}, stepsOf(o)); diff != "" {
			s.t.Errorf("steps (-want +got):\n%s", diff)
		}
		if got := s.texts(tickets[0].ID); len(got) != 1 {
			s.t.Errorf("texts %q", got)
		}
	})
	onStub(t, "nothing is asked for that needs a call", func(s *scene) {
		o := s.does(rules.Decision{Actions: []rules.Action{rules.SaveContact{Fields: []rules.Named{{Name: "No field", Value: "x"}}}}})
		if got := verdictOf(o); got != "skipped nothing_to_update" {
			s.t.Error(got)
		}
	})
}

// What is refused since it is so already is done: a GET of the ticket shows it.
func TestAct_whatIsSoAlreadyIsDone(t *testing.T) {
	tests := map[string]struct {
		action rules.Action
		call   string // the one that is refused
		so     []string
	}{
		"a team":       {rules.Assign{Team: "3001"}, "/assign", []string{"POST", "/assign", `{"type":"team","team_id":3001}`}},
		"a user":       {rules.Assign{User: "8"}, "/assign", []string{"POST", "/assign", `{"type":"user","user_id":8}`}},
		"a label":      {rules.Label{Names: []string{"4001"}}, "/labels", []string{"POST", "/labels", `{"label_id":4001}`}},
		"a label, off": {rules.Label{Names: []string{"4002"}, Off: true}, "/labels", []string{"DELETE", "/labels/4002", ""}},
	}
	for name, tt := range tests {
		for _, is := range []struct{ so, strict bool }{{so: true}, {so: true, strict: true}, {}, {strict: true}} {
			onStub(t, fmt.Sprintf("%s, so %v, strict %v", name, is.so, is.strict), func(s *scene) {
				so := is.so
				ticket := s.open()
				if name == "a label, off" {
					s.call("POST", "/tickets/"+ticket+"/labels", `{"label_id":4002}`)
				}
				s.wire.before = func(call string) fate {
					if strings.Contains(call, tt.call) {
						if so { // since an agent has done it a moment ago
							s.call(tt.so[0], "/tickets/"+ticket+tt.so[1], tt.so[2])
						}
						return fate{never: true, status: 422, body: `{"message":"no"}`}
					}
					return fate{}
				}
				o := s.does(rules.Decision{Strict: is.strict, Actions: []rules.Action{rules.UseTicket{Open: rules.OpenNever}, tt.action, rules.Note{Text: "n"}}})
				want, state, warnings := "delivered", "done", 0
				switch {
				case !so && is.strict:
					want, state = "dead rejected http_422", "failed"
				case !so: // most likely the desk has nothing of the id
					state, warnings = "skipped", 1
				}
				if got := verdictOf(o); got != want || len(o.Warnings) != warnings || string(o.Steps[1].State) != state || len(s.texts(ticket)) == 1 != (want == "delivered") {
					s.t.Errorf("%s with the steps %q and the warnings %q, want %s after %q", got, stepsOf(o), o.Warnings, want, s.wire.calls)
				}
			})
		}
	}
}

// A label that cannot be taken off is no ticket that is gone.
func TestAct_aLabelThatStaysOn(t *testing.T) {
	for strict, want := range map[bool]string{false: "delivered", true: "dead rejected http_404"} {
		onStub(t, want, func(s *scene) {
			s.call("POST", "/tickets/"+s.open()+"/labels", `{"label_id":4001}`)
			s.wire.before = func(call string) fate {
				if strings.HasPrefix(call, "DELETE ") {
					return fate{never: true, status: 404, body: `{"message":"no"}`}
				}
				return fate{}
			}
			o := s.does(rules.Decision{Strict: strict, Actions: []rules.Action{
				rules.UseTicket{Open: rules.OpenNever}, rules.Label{Names: []string{"4001"}, Off: true}, rules.Note{Text: "n"},
			}})
			if got := verdictOf(o); got != want || len(o.Warnings) > 0 == strict {
				s.t.Errorf("%s with the steps %q and the warnings %q, want %s", got, stepsOf(o), o.Warnings, want)
			}
		})
	}
}

func TestAct_aRefusedValueIsLeftOut(t *testing.T) {
	for _, strict := range []bool{false, true} {
		onStub(t, fmt.Sprint(strict), func(s *scene) {
			ticket := s.open()
			s.wire.before = func(call string) fate {
				if strings.Contains(call, "/custom_fields {") {
					return fate{never: true, status: 422, body: `{"message":"no"}`}
				}
				return fate{}
			}
			o := s.does(rules.Decision{Strict: strict, Actions: []rules.Action{
				rules.UseTicket{Open: rules.OpenNever}, rules.SetFields{Fields: []rules.Named{{Name: "Invoice", Value: "x"}}}, rules.Note{Text: "n"},
			}})
			if got := verdictOf(o); strict && got != "dead rejected http_422" || !strict && (got != "delivered" || len(o.Warnings) != 1 || len(s.texts(ticket)) != 1) {
				s.t.Errorf("%s with the warnings %q", got, o.Warnings)
			}
			if o.IDs["contact_id"] != s.contact {
				s.t.Errorf("ids %v of the contact %s", o.IDs, s.contact)
			}
		})
	}
}

// An outcome names the contact, also when the first write for it is refused; what was remembered and
// then refused may be gone.
func TestAct_theContactOfARefusedWrite(t *testing.T) {
	for name, refused := range map[string]string{"a ticket": "POST /tickets ", "a field": "/custom_fields {"} {
		onStub(t, name, func(s *scene) {
			s.wire.before = func(call string) fate {
				if strings.Contains(call, refused) {
					return fate{never: true, status: 422, body: `{"message":"no"}`}
				}
				return fate{}
			}
			d := rules.Decision{Strict: true, Actions: []rules.Action{
				rules.SaveContact{Fields: []rules.Named{{Name: "Plan", Value: "pro"}}}, rules.UseTicket{Open: rules.OpenAlways},
			}}
			if o := s.does(d); verdictOf(o) != "dead rejected http_422" || o.IDs["contact_id"] != s.contact {
				s.t.Errorf("%s with the ids %v after %q", verdictOf(o), o.IDs, s.wire.calls)
			}
		})
	}
}

// The list does not have yet what the event before has opened.
func TestAct_aTicketThatIsNotListedYetIsUsed(t *testing.T) {
	onStub(t, "", func(s *scene) {
		server := stub.New(stub.Config{Seed: 1, Quirks: stub.Quirks{ListLag: time.Minute}}, stubtrengo.New(nil))
		s.server, s.wire.desk = server, server.Desk(stubtrengo.Name)
		s.contact = id(s.call("POST", "/channels/123456/contacts", `{"identifier":"ada@example.test"}`))
		d := rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenOnce}, rules.Label{Names: []string{"4001"}}}}
		first, second := s.does(d), s.does(d)
		if first.IDs["ticket_id"] != second.IDs["ticket_id"] {
			s.t.Errorf("tickets %v and %v, want the same", first.IDs, second.IDs)
		}
	})
}

// A text is looked for among those that the ticket shows.
func TestAct_aTextIsRecognised(t *testing.T) {
	const ours = `{"id":9000000001,"type":"NOTE","user_id":7,"message":"Card declined"}`
	tests := map[string]struct {
		rows string
		want string // "" for one that is added
	}{
		"ours":                  {ours, "9000000001"},
		"of several the oldest": {strings.Replace(ours, "01,", "02,", 1) + "," + ours, "9000000001"},
		"one that was there":    {`{"id":5,"type":"NOTE","user_id":7,"message":"Card declined"}`, ""},
		"with other blanks":     {strings.Replace(ours, "Card", `\n Card `, 1), "9000000001"},
		"another text":          {strings.Replace(ours, "Card", "Cart", 1), ""},
		"a message":             {strings.Replace(ours, "NOTE", "OUTBOUND", 1), ""},
		"another user's":        {strings.Replace(ours, ":7", ":8", 1), ""},
		"of nobody":             {strings.Replace(ours, ":7", ":null", 1), "9000000001"},
		"in an older list":      {strings.Replace(ours, "message", "body", 1), "9000000001"},
		"without a text":        {strings.Replace(ours, `"message"`, `"other"`, 1), ""},
		"another event's":       {strings.Replace(ours, "01,", "09,", 1), ""},
		"nothing":               {"", ""},
	}
	for name, tt := range tests {
		onStub(t, name, func(s *scene) {
			s.warm()
			s.ids.MadeOf("messages").Seen(50)
			d := rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenAlways}, rules.Note{Text: "Card declined"}}}
			ctx, cancel := context.WithCancel(s.t.Context())
			s.wire.before = func(call string) fate {
				if strings.Contains(call, "/messages {") {
					cancel()
					return fate{lost: true, never: true}
				}
				return fate{}
			}
			if _, err := s.tries(ctx, d, nil); !errors.Is(err, sink.ErrInterrupted) {
				s.t.Fatal(err)
			}
			trengo.New(s.ids).OnRecord("another step", sink.StepRecord{StepInfo: sink.StepInfo{Name: "note", State: sink.StepDone}, IDs: map[string]string{"note_id": "9000000009"}})
			s.wire.before = func(call string) fate {
				if strings.Contains(call, "/messages?") {
					return fate{status: 200, body: `{"data":[` + tt.rows + `],"links":{"next":null}}`}
				}
				return fate{}
			}
			o, err := s.tries(s.t.Context(), d, s.ledger.Last)
			if err != nil || o.Outcome != sink.Delivered {
				s.t.Fatalf("%s, %v", verdictOf(o), err)
			}
			want := "note done"
			if tt.want != "" {
				want = "note adopted"
			}
			if got := o.IDs["note_id"]; stepsOf(o)[1] != want || tt.want != "" && got != tt.want {
				s.t.Errorf("%s with the id %s, want %s", stepsOf(o)[1], got, want)
			}
		})
	}
}

// What was found is taken from nobody: it may be the ticket of an event whose answer was lost.
func TestOnRecord_whatWasFoundIsNotTaken(t *testing.T) {
	ids := newIDs()
	for state, want := range map[sink.StepState]bool{sink.StepSkipped: false, sink.StepDone: true} {
		trengo.New(ids).OnRecord("another step", sink.StepRecord{StepInfo: sink.StepInfo{Name: "ticket", State: state}, IDs: map[string]string{"ticket_id": "4" + fmt.Sprint(len(state))}})
		if got := ids.Made().Taken(int64(40+len(state)), "this step"); got != want {
			t.Errorf("%s: taken %v, want %v", state, got, want)
		}
	}
}

// Two events of one contact, in different lanes, ask for its ticket at once.
func TestAct_oneTicketIsOpenedForEventsThatLookTogether(t *testing.T) {
	onStub(t, "", func(s *scene) {
		s.wire.takes = time.Second
		used := make(chan string, 3)
		for range 3 {
			go func() {
				o, err := s.tries(s.t.Context(), rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenOnce}, rules.Label{Names: []string{"4001"}}}}, nil)
				if err != nil {
					s.t.Error(err)
				}
				used <- o.IDs["ticket_id"]
			}()
		}
		first := <-used
		for range 2 {
			if next := <-used; next != first {
				s.t.Errorf("tickets %s and %s, want the same", first, next)
			}
		}
	})
}
