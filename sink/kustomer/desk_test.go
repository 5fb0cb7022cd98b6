package kustomer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/kustomer"
)

// answer is a scripted answer.
type answer struct {
	status int
	body   string
}

// desk is a Doer that gives scripted answers and notes the calls. Like a Session it
// judges: a final 4xx is a Failure, and so is a malformed answer.
type desk struct {
	mu sync.Mutex
	// script are the answers by "METHOD /path", in turn, the last again. Without one a
	// lookup is answered 404 and a write as Kustomer does.
	script map[string][]answer
	calls  []string // "METHOD /path?query"
	last   sink.Call
	plan   bool
}

func (d *desk) Do(_ context.Context, call sink.Call) (sink.Reply, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	line := call.Method + " " + call.Path
	noted := line
	if call.Query != "" {
		noted += "?" + call.Query
	}
	d.calls = append(d.calls, noted)
	d.last = call
	reply := sink.Reply{Status: http.StatusNotFound}
	if !call.Lookup {
		reply = sink.Reply{Status: http.StatusCreated, Body: []byte(`{"data":{"id":"new"}}`)}
	}
	if d.plan {
		reply.Planned = true
		if !call.Lookup {
			reply.Status, reply.Body = 0, nil
		}
		return reply, nil
	}
	if answers := d.script[line]; len(answers) > 0 {
		reply = sink.Reply{Status: answers[0].status, Body: []byte(answers[0].body)}
		if len(answers) > 1 {
			d.script[line] = answers[1:]
		}
	}
	return judged(call, reply)
}

func judged(call sink.Call, reply sink.Reply) (sink.Reply, error) {
	stage := sink.StageRequest
	if call.Lookup {
		stage = sink.StageLookup
	}
	switch {
	case slices.Contains(call.Answers, reply.Status):
		return reply, nil
	case !reply.OK():
		return sink.Reply{}, &sink.Failure{Stage: stage, Class: sink.Rejected, Code: sink.HTTPCode(reply.Status), Status: reply.Status}
	case call.Accept != nil && call.Accept(reply) != nil:
		return sink.Reply{}, &sink.Failure{Stage: stage, Class: sink.Exhausted, Code: sink.BadAnswer, Status: reply.Status}
	}
	return reply, nil
}

func found(id string) answer {
	return answer{http.StatusOK, `{"data":{"type":"customer","id":"` + id + `"}}`}
}

func newIDs() *sink.IDs { return sink.NewIDs(1000, time.Hour) }

// message maps an event as New(Config{}) does.
func message(t testing.TB, event string) mapper.Message {
	t.Helper()
	ev, err := mapping.Decode([]byte(event))
	if err != nil {
		t.Fatalf("decoding %s: %v", event, err)
	}
	m, err := mapper.New(mapper.Config{}).Map(ev)
	if err != nil {
		t.Fatalf("mapping %s: %v", event, err)
	}
	return m
}

// identify is an event with the ids that are not "".
func identify(user, anonymous, email, name string) string {
	event := fmt.Sprintf(`{"type":"identify","traits":{"name":%q,"email":%q}`, name, email)
	if user != "" {
		event += fmt.Sprintf(`,"userId":%q`, user)
	}
	if anonymous != "" {
		event += fmt.Sprintf(`,"anonymousId":%q`, anonymous)
	}
	return event + "}"
}

// deliver sends an event that must succeed.
func deliver(t *testing.T, c *kustomer.Client, d sink.Doer, event string) sink.Receipt {
	t.Helper()
	receipt, err := c.Send(t.Context(), d, message(t, event))
	if err != nil {
		t.Fatalf("sending %s: %v", event, err)
	}
	return receipt
}

// account is a Kustomer account: customers that are unique by externalId and e-mail.
type account struct{ customers []*person }

type person struct{ id, external, email, name string }

func (a *account) Do(_ context.Context, call sink.Call) (sink.Reply, error) {
	reply := a.lookUp(call)
	if !call.Lookup {
		reply = a.write(call)
	}
	return judged(call, reply)
}

func (a *account) lookUp(call sink.Call) sink.Reply {
	key, value, _ := strings.Cut(strings.TrimPrefix(call.Path, "/v1/customers/"), "=")
	value, _ = url.PathUnescape(value)
	for _, p := range a.customers {
		if key == "email" && p.email == value || key == "externalId" && p.external == value {
			return p.reply()
		}
	}
	return sink.Reply{Status: http.StatusNotFound}
}

func (a *account) write(call sink.Call) sink.Reply {
	target := &person{id: fmt.Sprintf("c%d", len(a.customers)+1)}
	if id, ok := strings.CutPrefix(call.Path, "/v1/customers/"); ok {
		i := slices.IndexFunc(a.customers, func(p *person) bool { return p.id == id })
		if i < 0 {
			return sink.Reply{Status: http.StatusNotFound}
		}
		target = a.customers[i]
	}
	external, email := call.Body.Get("externalId").Str(), call.Body.Get("emails").At(0).Get("email").Str()
	for _, p := range a.customers {
		if p != target && (p.external == external || email != "" && p.email == email) {
			return sink.Reply{Status: http.StatusConflict}
		}
	}
	target.external, target.name = external, call.Body.Get("name").Str()
	if email != "" {
		target.email = email
	}
	if !slices.Contains(a.customers, target) {
		a.customers = append(a.customers, target)
	}
	return target.reply()
}

func (p *person) reply() sink.Reply {
	return sink.Reply{Status: http.StatusOK, Body: fmt.Appendf(nil,
		`{"data":{"id":%q,"attributes":{"externalId":%q,"name":%q,"emails":[{"type":"home","email":%q,"verified":false}]}}}`, p.id, p.external, p.name, p.email)}
}

func (a *account) String() string {
	var b strings.Builder
	for _, p := range a.customers {
		fmt.Fprintf(&b, "%+v\n", *p)
	}
	return b.String()
}
