package trengo_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/trengo"
)

// grace is a contact by her number, in WhatsApp's channel.
var grace = mapped.Contact{Kind: mapped.Phone, Identifier: "+31612345678", Name: "Grace", Channel: mapping.Str("123457")}

func (s *scene) doesTo(c mapped.Contact, list ...rules.Action) sink.Outcome {
	s.t.Helper()
	o, err := s.acts(s.t.Context(), nil, trengo.Actions{Contact: c, Decision: actions(list...)})
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

func TestAct_sendsWithoutATicket(t *testing.T) {
	approved := &rules.Approved{ID: "81", Params: []rules.Named{{Name: "1", Value: "A-7"}, {Name: "header.1", Value: "Grace"}}}
	mail := mapped.Contact{Kind: mapped.Email, Identifier: "ada@example.test", Channel: mapping.Str("123456")}
	tests := map[string]struct {
		to    mapped.Contact
		send  rules.SendMessage
		want  string
		calls []string
	}{
		"by mail": {mail, rules.SendMessage{Text: "Your order <A-7>\nis late", Subject: "A-7"}, "delivered", []string{
			`POST /messages {"channel_id":"123456","contact_identifier":"ada@example.test","message":"Your order &lt;A-7&gt;<br>\nis late","email_subject":"A-7"}`,
		}},
		"a template": {grace, rules.SendMessage{Template: approved}, "delivered", []string{
			`POST /wa_sessions {"hsm_id":81,"recipient_phone_number":"+31612345678","params":[{"type":"body","key":"{{1}}","value":"A-7"},{"type":"header","key":"{{1}}","value":"Grace"}]}`,
		}},
		"a template without values": {grace, rules.SendMessage{Template: &rules.Approved{ID: "81"}}, "delivered", []string{
			`POST /wa_sessions {"hsm_id":81,"recipient_phone_number":"+31612345678"}`,
		}},
		"free text that WhatsApp refuses": {grace, rules.SendMessage{Text: "Hello"}, "dead rejected window_closed", []string{
			`POST /messages {"channel_id":"123457","contact_identifier":"+31612345678","contact_name":"Grace","message":"Hello"}`, "GET /channels?page=1", "GET /channels?page=2",
		}},
		"by a channel of the rule": {mail, rules.SendMessage{Text: "Hello", Channel: "EMAIL 123456"}, "delivered", []string{
			"GET /channels?page=1", "GET /channels?page=2", `POST /messages {"channel_id":123456,"contact_identifier":"ada@example.test","message":"Hello"}`,
		}},
		"by a channel that is not there": {mail, rules.SendMessage{Text: "Hello", Channel: "Fax"}, "skipped nothing_to_update", []string{"GET /channels?page=1", "GET /channels?page=2"}},
		"what else is refused": {mail, rules.SendMessage{Text: "Hello", Channel: "9"}, "dead rejected http_422", []string{
			`POST /messages {"channel_id":9,"contact_identifier":"ada@example.test","message":"Hello"}`, "GET /channels?page=1", "GET /channels?page=2",
		}},
		"a template by mail":    {mail, rules.SendMessage{Template: approved}, "dead invalid missing_identifier", nil},
		"to a contact's id":     {mapped.Contact{ID: mapping.Num("7"), Channel: mapping.Str("123456")}, rules.SendMessage{Text: "Hello"}, "dead invalid missing_identifier", nil},
		"by no channel":         {mapped.Contact{Kind: mapped.Email, Identifier: "ada@example.test"}, rules.SendMessage{Text: "Hello"}, "dead invalid missing_channel", nil},
		"a template, by none":   {mapped.Contact{Kind: mapped.Phone, Identifier: "+31612345678"}, rules.SendMessage{Template: &rules.Approved{ID: "81"}}, "delivered", []string{`POST /wa_sessions {"hsm_id":81,"recipient_phone_number":"+31612345678"}`}},
		"with an id of letters": {grace, rules.SendMessage{Template: &rules.Approved{ID: "welcome"}}, "dead rejected http_422", []string{`POST /wa_sessions {"hsm_id":"welcome","recipient_phone_number":"+31612345678"}`}},
	}
	for name, tt := range tests {
		onStub(t, name, func(s *scene) {
			o := s.doesTo(tt.to, tt.send)
			if got := verdictOf(o); got != tt.want {
				s.t.Errorf("%s, want %s", got, tt.want)
			}
			if diff := cmp.Diff(tt.calls, s.wire.calls); diff != "" {
				s.t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// The ticket comes first, and has its own channel.
func TestAct_sendsAfterTheTicket(t *testing.T) {
	onStub(t, "", func(s *scene) {
		o := s.does(actions(rules.UseTicket{Open: rules.OpenAlways, Channel: "123457"}, rules.SendMessage{Text: "Hello"}))
		if diff := cmp.Diff([]string{"ticket done", "send done"}, stepsOf(o)); diff != "" || !strings.Contains(s.wire.calls[len(s.wire.calls)-1], `"channel_id":"123456"`) {
			s.t.Errorf("calls %q, steps (-want +got):\n%s", s.wire.calls, diff)
		}
	})
	onStub(t, "which is not there", func(s *scene) {
		o := s.does(actions(rules.UseTicket{Open: rules.OpenNever}, rules.SendMessage{Text: "Hello"}))
		if got := verdictOf(o); got != "skipped ticket_not_found" {
			s.t.Error(got)
		}
	})
}

// What Trengo cannot be asked for is sent once at most, whatever happens: the event dies where nobody
// knows.
func TestAct_aSentMessageIsSentOnce(t *testing.T) {
	template := rules.Message{Template: &rules.Approved{ID: "81"}}
	cases := map[string]struct {
		to   mapped.Contact
		list []rules.Action
		sent string // how its call begins
	}{
		"send":     {grace, []rules.Action{rules.SaveContact{Create: true}, rules.SendMessage{Template: template.Template}}, "POST /wa_sessions "},
		"template": {grace, []rules.Action{rules.SaveContact{Create: true}, rules.UseTicket{Open: rules.OpenOnce}, template}, "POST /wa_sessions "},
		"mail":     {mapped.Contact{Kind: mapped.Email, Identifier: "ada@example.test", Channel: mapping.Str("123456")}, []rules.Action{rules.NoteContact{Text: "x"}, rules.SendMessage{Text: "Hello"}}, "POST /messages "},
	}
	for name, tt := range cases {
		a := trengo.Actions{Contact: tt.to, Decision: actions(tt.list...)}
		calls := 0
		onStub(t, name, func(s *scene) {
			if o, err := s.acts(s.t.Context(), nil, a); err != nil || o.Outcome != sink.Delivered {
				s.t.Fatalf("%s, %v", verdictOf(o), err)
			}
			calls = len(s.wire.calls)
		})
		for _, dies := range []bool{true, false} { // or an answer is lost
			for at := range calls {
				for _, never := range []bool{false, true} {
					onStub(t, fmt.Sprintf("%s, call %d, its process dies %v, without effect %v", name, at, dies, never), func(s *scene) {
						ctx, cancel := context.WithCancel(s.t.Context())
						defer cancel()
						n, sent, unsure := 0, 0, false
						s.wire.before = func(call string) fate {
							is := strings.HasPrefix(call, tt.sent)
							if n++; n != at+1 {
								if is {
									sent++
								}
								return fate{}
							}
							if is && !never {
								sent++
							}
							unsure = is
							if dies {
								cancel()
							}
							return fate{lost: true, never: never}
						}
						o, err := s.acts(ctx, nil, a)
						if dies { // so nobody hears of its outcome
							s.ids = newIDs()
							o, err = s.acts(s.t.Context(), s.ledger.Last, a)
						}
						want := "delivered"
						if unsure {
							want = "dead unknown connection"
						}
						if got := verdictOf(o); err != nil || got != want || sent > 1 || !unsure && sent != 1 {
							s.t.Errorf("%s, %v, sent %d times, want %s", got, err, sent, want)
						}
						if progress := s.ledger.Last; unsure && !dies && progress.Next == nil {
							s.t.Error("it was not announced")
						}
					})
				}
			}
		}
	}
}

// Values of an event stay text, whatever they hold.
func TestAct_aMessageByMailIsHTMLOfTheText(t *testing.T) {
	const text = "Dear <script>alert(1)</script> & Co\n\n5 < 6"
	const sent = "Dear &lt;script&gt;alert(1)&lt;/script&gt; &amp; Co<br>\n<br>\n5 &lt; 6"
	for name, tt := range map[string]struct {
		channel string
		action  rules.Action
		want    string
	}{
		"a message": {"123456", rules.Message{Text: text}, "OUTBOUND " + sent},
		"a note":    {"123456", rules.Note{Text: text}, "NOTE " + text},
	} {
		for _, lost := range []bool{false, true} {
			onStub(t, fmt.Sprintf("%s, lost %v", name, lost), func(s *scene) {
				was := !lost
				s.wire.before = func(call string) fate {
					if was || !strings.Contains(call, "/messages {") {
						return fate{}
					}
					was = true
					return fate{lost: true}
				}
				o := s.does(actions(rules.UseTicket{Open: rules.OpenAlways, Channel: tt.channel}, tt.action))
				if diff := cmp.Diff([]string{tt.want}, s.texts(o.IDs["ticket_id"])); diff != "" || verdictOf(o) != "delivered" {
					s.t.Errorf("%s, texts (-want +got):\n%s", verdictOf(o), diff)
				}
			})
		}
	}
	// The list may show the text instead, or another form of it.
	for _, shown := range []string{"Dear Ada & Co 5 < 6", "Dear Ada &amp; Co<br/>5 &lt; 6", "<p>Dear Ada &amp; Co</p>\n5 &lt; 6"} {
		onStub(t, shown, func(s *scene) {
			ticket, lost := s.open(), false
			s.wire.before = func(call string) fate {
				switch {
				case strings.Contains(call, "/messages {") && !lost:
					lost = true
					return fate{lost: true, never: true}
				case lost && strings.HasPrefix(call, "GET /tickets/"+ticket+"/messages"):
					return fate{status: 200, body: mapping.Obj(mapping.Member{Name: "data", Value: mapping.Arr(mapping.Obj(
						mapping.Member{Name: "id", Value: mapping.Num("9000000001")}, mapping.Member{Name: "message", Value: mapping.Str(shown)},
					))}).JSON()}
				}
				return fate{}
			}
			s.call("POST", "/tickets/"+ticket+"/messages", `{"message":"before"}`)
			o := s.does(actions(rules.UseTicket{Open: rules.OpenNever}, rules.Message{Text: "Dear Ada & Co\n5 < 6"}))
			if o.IDs["message_id"] != "9000000001" {
				s.t.Errorf("%s, ids %v", verdictOf(o), o.IDs)
			}
		})
	}
}
