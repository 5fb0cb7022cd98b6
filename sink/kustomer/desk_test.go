package kustomer_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/kustomer"
	"github.com/deskstream/deskstream/sink/sinktest"
)

// answer is a scripted answer.
type answer struct {
	status int
	body   string
}

// desk is a Doer that gives scripted answers and notes the calls. Like a Session it
// judges: a final 4xx is a Failure, and so is a malformed answer.
type desk struct {
	sinktest.DoerFunc // for what it does not do itself

	mu sync.Mutex
	// script are the answers by "METHOD /path", in turn, the last again. Without one a
	// lookup is answered 404 and a write as Kustomer does.
	script map[string][]answer
	calls  []string // "METHOD /path?query"
	bodies []string // the calls of writes with their bodies, "PUT /path {...}"
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
	reply := notFound
	if !call.Lookup {
		d.bodies = append(d.bodies, line+" "+call.Body.JSON())
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

var notFound = sink.Reply{Status: http.StatusNotFound, Body: []byte(`{"errors":[{"code":"notfound"}]}`)}

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
	return mapped(t, event, mapper.Config{})
}

func mapped(t testing.TB, event string, c mapper.Config) mapper.Message {
	t.Helper()
	ev, err := mapping.Decode([]byte(event))
	if err != nil {
		t.Fatalf("decoding %s: %v", event, err)
	}
	m, err := mapper.New(c).Map(ev)
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

// account is a Kustomer account: customers that are unique by externalId, e-mail and phone,
// whose lists an update replaces, and who take a revision as a condition.
type account struct {
	sinktest.DoerFunc // for what it does not do itself

	customers []*person
}

type person struct {
	id     string
	rev    int
	fields map[string]mapping.Value
}

func (a *account) Do(_ context.Context, call sink.Call) (sink.Reply, error) {
	reply := a.lookUp(call)
	if !call.Lookup {
		reply = a.write(call)
	}
	return judged(call, reply)
}

func (a *account) lookUp(call sink.Call) sink.Reply {
	path, _ := url.PathUnescape(strings.TrimPrefix(call.Path, "/v1/customers/"))
	for _, p := range a.customers {
		if p.id == path || slices.Contains(identifiers(p.fields), path) {
			return p.reply()
		}
	}
	return notFound
}

// identifiers are what no other customer may have, as lookups name them.
func identifiers(fields map[string]mapping.Value) []string {
	var all []string
	if id := fields["externalId"].Str(); id != "" {
		all = append(all, "externalId="+id)
	}
	for list, member := range map[string]string{"emails": "email", "phones": "phone"} {
		for _, e := range fields[list].Members() {
			all = append(all, member+"="+e.Value.Get(member).Str())
		}
	}
	return all
}

func (a *account) write(call sink.Call) sink.Reply {
	target := &person{id: fmt.Sprintf("c%d", len(a.customers)+1), fields: map[string]mapping.Value{}}
	if id, ok := strings.CutPrefix(call.Path, "/v1/customers/"); ok {
		i := slices.IndexFunc(a.customers, func(p *person) bool { return p.id == id })
		if i < 0 {
			return notFound
		}
		target = a.customers[i]
	}
	fields := maps.Clone(target.fields)
	for _, m := range call.Body.Members() {
		fields[m.Name] = m.Value
	}
	if rev := fields["rev"]; rev.Exists() && rev.Text() != strconv.Itoa(target.rev) {
		return sink.Reply{Status: http.StatusConflict}
	}
	delete(fields, "rev")
	for _, p := range a.customers {
		taken := identifiers(p.fields)
		if p != target && slices.ContainsFunc(identifiers(fields), func(id string) bool { return slices.Contains(taken, id) }) {
			return sink.Reply{Status: http.StatusConflict}
		}
	}
	target.fields, target.rev = fields, target.rev+1
	if !slices.Contains(a.customers, target) {
		a.customers = append(a.customers, target)
	}
	return target.reply()
}

// shown are the attributes of a customer, in the order of their names.
func (p *person) shown() mapping.Value {
	var members []mapping.Member
	for _, name := range slices.Sorted(maps.Keys(p.fields)) {
		members = append(members, mapping.Member{Name: name, Value: p.fields[name]})
	}
	return mapping.Obj(append(members, mapping.Member{Name: "rev", Value: mapping.Int(int64(p.rev))})...)
}

func (p *person) reply() sink.Reply {
	return sink.Reply{Status: http.StatusOK, Body: fmt.Appendf(nil, `{"data":{"id":%q,"attributes":%s}}`, p.id, p.shown().JSON())}
}

// String shows who has what. Revisions are left out: they count the writes.
func (a *account) String() string {
	var b strings.Builder
	for _, p := range a.customers {
		fmt.Fprintln(&b, p.id, p.shown().Without("rev").JSON())
	}
	return b.String()
}
