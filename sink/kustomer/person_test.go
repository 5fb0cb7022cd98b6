package kustomer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

func TestAct_savesACustomer(t *testing.T) {
	plan := rules.SaveContact{Fields: []rules.Named{{Name: "planStr", Value: "pro"}}}
	create := rules.SaveContact{Create: true, Fields: plan.Fields}
	vip, acme := rules.JoinGroups{Names: []string{"vip"}}, rules.SetProfile{Name: "Acme"}
	const bob = `{"type":"track","event":"E","messageId":"m","userId":"bob","context":{"traits":{"email":"bob@example.test","name":"Bob"}},"properties":{"email":"ada@example.test"}}`
	tests := map[string]struct {
		event   string
		actions []rules.Action
		calls   []string
		outcome string
	}{
		"one that is there": {eventOf("track", ""), []rules.Action{create, vip, acme}, []string{
			"GET /customers/externalId=ada", "GET /companies?filter=Acme",
			`POST /companies {"externalId":"{x}","name":"Acme"}`,
			`PUT /customers/{A}?replace=false {"company":"{C}","tags":["early","vip"],"custom":{"planStr":"pro"},"rev":1}`,
		}, "delivered"},
		"one that is there, and so": {eventOf("track", ""), []rules.Action{rules.JoinGroups{Names: []string{"early"}}}, []string{
			"GET /customers/externalId=ada",
		}, "skipped nothing_to_update"},
		"a new one": {bob, []rules.Action{create, vip}, []string{
			"GET /customers/externalId=bob", "GET /customers/email=bob@example.test",
			`POST /customers {"name":"Bob","externalId":"bob","emails":[{"type":"home","email":"bob@example.test"}],"tags":["vip"],"custom":{"planStr":"pro"}}`,
		}, "delivered"},
		"a new one that may not be": {bob, []rules.Action{plan, acme}, []string{
			"GET /customers/externalId=bob", "GET /customers/email=bob@example.test",
		}, "dead invalid contact_not_found"},
		"nobody": {`{"type":"track","event":"E","messageId":"m"}`, []rules.Action{create}, []string{}, "dead invalid missing_identifier"},
		"one whose address another customer has": {
			`{"type":"track","event":"E","messageId":"m","userId":"eve","context":{"traits":{"phone":"+31612345678"}}}`, []rules.Action{create}, []string{
				"GET /customers/externalId=eve",
				`POST /customers {"externalId":"eve","phones":[{"type":"home","phone":"+31612345678"}],"custom":{"planStr":"pro"}}`,
				"GET /customers/externalId=eve", "GET /customers/phone=%2B31612345678",
				`POST /customers {"externalId":"eve","custom":{"planStr":"pro"}}`,
			}, "delivered",
		},
		"the members of a group": {eventOf("group", `,"groupId":"g-1","traits":{"name":"Acme","email":"office@acme.test"}`), []rules.Action{acme}, []string{
			"GET /customers/externalId=ada", "GET /companies?filter=Acme", `POST /companies {"externalId":"{x}","name":"Acme"}`,
			`PUT /customers/{A}?replace=false {"company":"{C}"}`,
		}, "delivered"},
		"an alias": {eventOf("alias", `,"previousId":"anon-7"`), []rules.Action{plan}, []string{
			"GET /customers/externalId=ada", `PUT /customers/{A}?replace=false {"custom":{"planStr":"pro"}}`,
		}, "delivered"},
	}
	for name, tt := range tests {
		onStub(t, name, func(s *deskScene) {
			s.call("POST", "/customers", `{"externalId":"zoe","phones":[{"phone":"+31612345678"}]}`)
			o, err := s.delivers(s.t.Context(), tt.event, rules.Decision{Actions: tt.actions}, nil)
			if err != nil {
				s.t.Fatal(err)
			}
			if got := verdictOf(o); got != tt.outcome {
				s.t.Errorf("%s, want %s", got, tt.outcome)
			}
			for i := range tt.calls {
				tt.calls[i] = strings.ReplaceAll(tt.calls[i], "{C}", o.IDs["company_id"])
			}
			s.same("", tt.calls...)
			if o.Outcome == sink.Delivered && o.IDs["customer_id"] == "" {
				s.t.Errorf("ids %v", o.IDs)
			}
		})
	}
}

func TestAct_keepsTheCompany(t *testing.T) {
	onStub(t, "of a customer that it does not know yet", func(s *deskScene) {
		acme := id(s.call("POST", "/companies", `{"name":"Acme"}`))
		s.call("PUT", "/customers/"+s.customer, `{"company":"`+acme+`"}`)
		event := `{"type":"track","event":"E","messageId":"m","userId":"ada","context":{"externalId":[{"type":"kustomerId","id":"` + s.customer + `"}]}}`
		plan := rules.SaveContact{Fields: []rules.Named{{Name: "planStr", Value: "pro"}}}
		o, err := s.delivers(s.t.Context(), event, rules.Decision{Actions: []rules.Action{plan}}, nil)
		if err != nil || verdictOf(o) != "delivered" {
			s.t.Fatalf("%s, %v", verdictOf(o), err)
		}
		if got := s.call("GET", "/customers/"+s.customer, "").Get("relationships", "company", "data", "id").Str(); got != acme {
			s.t.Errorf("the customer's company is %q, want %s", got, acme)
		}
	})
	onStub(t, "and finds it again", func(s *deskScene) {
		acme := id(s.call("POST", "/companies", `{"name":"Acme"}`))
		s.call("POST", "/companies", `{"name":"Acme Holding"}`)
		for range 2 {
			o := s.does(rules.Decision{Actions: []rules.Action{rules.SetProfile{Name: "Acme"}}})
			if o.IDs["company_id"] != acme {
				s.t.Errorf("company %s, want %s", o.IDs["company_id"], acme)
			}
		}
		s.ids = newIDs()
		if o := s.does(rules.Decision{Actions: []rules.Action{rules.SetProfile{Name: "Acme"}}}); verdictOf(o) != "skipped nothing_to_update" {
			s.t.Errorf("the customer was shown to be one of the company, and it is %s", verdictOf(o))
		}
		s.wire.calls = s.wire.calls[:4]
		s.same("", "GET /customers/externalId=ada", "GET /companies?filter=Acme", `PUT /customers/{A}?replace=false {"company":"`+acme+`"}`,
			`PUT /customers/{A}?replace=false {"company":"`+acme+`"}`)
	})
}

// A remembered customer that is gone is looked up again, once.
func TestAct_aCustomerThatIsGone(t *testing.T) {
	tests := map[string][]rules.Action{
		"opening":       {rules.UseTicket{Open: rules.OpenAlways}},
		"finding":       {rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenOnce}, rules.SetUrgency{Level: 1}},
		"saving":        {rules.SaveContact{Fields: []rules.Named{{Name: "planStr", Value: "pro"}}}},
		"an object":     {rules.UpsertObject{Class: "order", ID: "A-7"}},
		"of an id":      {rules.UseTicket{Find: rules.ByID, Open: rules.OpenNever, ID: "{T}"}, rules.SetUrgency{Level: 1}},
		"all of it":     everything.Actions,
		"of no changes": {rules.SaveContact{Create: true}, rules.UseTicket{Open: rules.OpenAlways}},
	}
	for name, actions := range tests {
		onStub(t, name, func(s *deskScene) {
			s.warm()
			s.call("DELETE", "/customers/"+s.customer, "")
			s.customer = id(s.call("POST", "/customers", `{"emails":[{"email":"ada@example.org"}]}`)) // the one into which it was merged
			s.call("PUT", "/customers/"+s.customer, `{"externalId":"ada"}`)
			actions := append([]rules.Action(nil), actions...)
			if use, ok := actions[0].(rules.UseTicket); ok && use.ID != "" {
				use.ID = s.open()
				actions[0] = use
			}
			o := s.does(rules.Decision{Actions: actions})
			if verdictOf(o) != "delivered" || o.IDs["customer_id"] != s.customer {
				s.t.Errorf("%s of %s, want of %s: %+v, calls %q", verdictOf(o), o.IDs["customer_id"], s.customer, o.Error, s.wire.calls)
			}
		})
	}
	onStub(t, "for good", func(s *deskScene) {
		s.warm()
		s.call("DELETE", "/customers/"+s.customer, "")
		o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenAlways}}})
		if verdictOf(o) != "dead invalid contact_not_found" {
			s.t.Error(verdictOf(o))
		}
	})
}

func TestAct_theDefaultFirst(t *testing.T) {
	opens := rules.UseTicket{Open: rules.OpenAlways}
	plan := rules.SaveContact{Fields: []rules.Named{{Name: "planStr", Value: "pro"}}}
	tests := map[string]struct {
		event string
		calls []string
		steps []string
	}{
		"of an identify is one write with the rule's": {eventOf("identify", `,"traits":{"name":"Ada","tags":["a"],"customObject":{"planStr":"free","ageNum":7}}`), []string{
			"GET /customers/externalId=ada",
			`PUT /customers/{A}?replace=false {"name":"Ada","externalId":"ada","tags":["early","a","vip"],"custom":{"ageNum":7,"planStr":"pro"},"rev":1}`,
			`POST /customers/{A}/conversations {"externalId":"{x}"}`,
		}, []string{"contact done", "conversation done"}},
		"of a track": {eventOf("track", `,"event":"Order Paid"`), []string{
			`POST /tracking/identityEvent {"identity":{"externalId":"ada"},"event":{"name":"Order-Paid","meta":{}}}`,
			"GET /customers/{A}",
			`PUT /customers/{A}?replace=false {"tags":["early","vip"],"custom":{"planStr":"pro"},"rev":1}`,
			`POST /customers/{A}/conversations {"externalId":"{x}"}`,
		}, []string{"track done", "contact done", "conversation done"}},
	}
	for name, tt := range tests {
		onStub(t, name, func(s *deskScene) {
			event := strings.Replace(tt.event, `"event":"E",`, "", 1)
			d := rules.Decision{Default: true, Actions: []rules.Action{plan, rules.JoinGroups{Names: []string{"vip"}}, opens}}
			o, err := s.delivers(s.t.Context(), event, d, nil)
			if err != nil {
				s.t.Fatal(err)
			}
			s.same(o.IDs["conversation_id"], tt.calls...)
			if diff := cmp.Diff(tt.steps, stepsOf(o)); diff != "" {
				s.t.Errorf("%s, steps (-want +got):\n%s", verdictOf(o), diff)
			}
		})
	}
}

func TestAct_upsertsAnObject(t *testing.T) {
	order := rules.Decision{Actions: []rules.Action{
		rules.UpsertObject{Class: "order", ID: "A/7", Title: "Order 7", Data: []rules.Named{{Name: "sum", Value: "7"}}},
	}}
	onStub(t, "one that is new, then so, then changed", func(s *deskScene) {
		for _, want := range []string{"delivered", "skipped nothing_to_update", "delivered"} {
			o := s.does(order)
			if verdictOf(o) != want {
				s.t.Errorf("%s, want %s", verdictOf(o), want)
			}
			if want != "delivered" {
				s.call("PUT", "/klasses/order/"+o.IDs["object_id"], `{"data":{"sum":"8","agents":"own"}}`)
			}
		}
		object := id(s.call("GET", "/klasses/order/externalId=A%2F7", ""))
		s.same("", "GET /klasses?page=1&pageSize=100&status=enabled", "GET /customers/externalId=ada",
			"GET /klasses/order/externalId=A%2F7", `POST /customers/{A}/klasses/order {"externalId":"A/7","title":"Order 7","data":{"sum":"7"}}`,
			"GET /klasses/order/externalId=A%2F7",
			"GET /klasses/order/externalId=A%2F7", `PUT /klasses/order/`+object+` {"data":{"agents":"own","sum":"7"},"rev":2}`)
	})
	for name, tt := range map[string]struct {
		call      string
		meanwhile func(s *deskScene)
	}{
		"one that another one makes meanwhile": {"POST /customers/", func(s *deskScene) {
			s.call("POST", "/klasses/order", `{"title":"theirs","externalId":"A/7"}`)
		}},
		"one that another one changes meanwhile": {"PUT /klasses/", func(s *deskScene) {
			s.call("PUT", "/klasses/order/"+id(s.call("GET", "/klasses/order/externalId=A%2F7", "")), `{"data":{"agents":"own"}}`)
		}},
		"one that goes meanwhile": {"PUT /klasses/", func(s *deskScene) {
			s.call("DELETE", "/klasses/order/"+id(s.call("GET", "/klasses/order/externalId=A%2F7", "")), "")
		}},
	} {
		onStub(t, name, func(s *deskScene) {
			if strings.HasPrefix(tt.call, "PUT") {
				s.call("POST", "/klasses/order", `{"title":"theirs","externalId":"A/7"}`)
			}
			done := false
			s.wire.before = func(call string) fate {
				if !done && strings.HasPrefix(call, tt.call) {
					done = true
					tt.meanwhile(s)
				}
				return fate{}
			}
			o := s.does(order)
			got := s.call("GET", "/klasses/order/externalId=A%2F7", "").Get("attributes")
			if verdictOf(o) != "delivered" || got.Get("data", "sum").Str() != "7" || got.Get("title").Str() != "Order 7" {
				s.t.Errorf("%s, and the object is %s", verdictOf(o), got.JSON())
			}
			if name == "one that another one changes meanwhile" && got.Get("data", "agents").Str() != "own" {
				s.t.Error("what another one wrote is lost")
			}
		})
	}
	onStub(t, "one of another customer is left alone", func(s *deskScene) {
		bob := id(s.call("POST", "/customers", `{"externalId":"bob"}`))
		s.call("POST", "/customers/"+bob+"/klasses/order", `{"title":"Bob's","externalId":"A/7","data":{"sum":"9"}}`)
		for range 2 { // the second time the customer is remembered, and looked up once more
			o := s.does(order)
			wantOne(s.t, o.Warnings, "another customer's")
			if verdictOf(o) != "skipped nothing_to_update" || len(s.wire.writes()) > 0 || o.IDs["object_id"] != "" || stepsOf(o)[0] != "object:order skipped" {
				s.t.Errorf("%s, steps %q, ids %v, writes %q", verdictOf(o), stepsOf(o), o.IDs, s.wire.writes())
			}
			s.offset++
		}
	})
	onStub(t, "of an id that leads elsewhere", func(s *deskScene) {
		o := s.does(rules.Decision{Actions: []rules.Action{rules.UpsertObject{Class: "order", ID: "x/../../customers"}}})
		if verdictOf(o) != "dead invalid invalid_id" || len(s.wire.calls) > 0 {
			s.t.Errorf("%s with %q", verdictOf(o), s.wire.calls)
		}
	})
}

// Tags that an agent gives the customer meanwhile stay.
func TestAct_aCustomerWhomAnotherOneChanges(t *testing.T) {
	onStub(t, "between the lookup and the write", func(s *deskScene) {
		changed := false
		s.wire.before = func(call string) fate {
			if strings.HasPrefix(call, "PUT ") && !changed {
				changed = true
				s.call("PUT", "/customers/"+s.customer, `{"tags":["early","agents"]}`)
			}
			return fate{}
		}
		o := s.does(rules.Decision{Actions: []rules.Action{rules.JoinGroups{Names: []string{"vip"}}}})
		if diff := cmp.Diff([]string{"contact done"}, stepsOf(o)); diff != "" {
			s.t.Errorf("%s, steps (-want +got):\n%s", verdictOf(o), diff)
		}
		if got := s.call("GET", "/customers/"+s.customer, "").Get("attributes", "tags").JSON(); got != `["early","agents","vip"]` {
			s.t.Errorf("the customer has the tags %s", got)
		}
	})
}
