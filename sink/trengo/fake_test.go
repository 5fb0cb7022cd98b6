package trengo_test

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
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/sinktest"
	"github.com/deskstream/deskstream/sink/trengo"
)

// answer is what the fake Trengo says to one call.
type answer struct {
	status int
	body   string
}

// fake is a Doer with scripted answers per method; the last one of each is repeated.
// Like a Session it asks a call's Accept and makes an error of what is no answer.
type fake struct {
	sinktest.DoerFunc // for what it does not do itself

	mu     sync.Mutex
	script map[string][]answer
	calls  []sink.Call
}

func (f *fake) Do(_ context.Context, call sink.Call) (sink.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
	answers := f.script[call.Method]
	if len(answers) == 0 {
		return sink.Reply{}, fmt.Errorf("nothing is scripted for %s", call.Method)
	}
	a := answers[0]
	if len(answers) > 1 {
		f.script[call.Method] = answers[1:]
	}
	reply := sink.Reply{Status: a.status, Body: []byte(a.body)}
	if call.Accept != nil && reply.OK() {
		if err := call.Accept(reply); err != nil {
			return sink.Reply{}, &sink.Failure{Stage: sink.StageLookup, Class: sink.Exhausted, Code: sink.BadAnswer, Status: a.status, Message: err.Error()}
		}
	}
	if !reply.OK() && !slices.Contains(call.Answers, a.status) {
		return sink.Reply{}, &sink.Failure{Stage: sink.StageRequest, Class: sink.Rejected, Code: sink.HTTPCode(a.status), Status: a.status}
	}
	return reply, nil
}

func (f *fake) Once(ctx context.Context, e sink.Effect) (sink.Effected, error) {
	return sinktest.Once(ctx, f.Do, e)
}

func (f *fake) Change(ctx context.Context, c sink.Change) (sink.Effected, error) {
	return sinktest.Change(ctx, f.Do, c)
}

// seen is the calls so far, each as one line.
func (f *fake) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, c := range f.calls {
		line := c.Method + " " + c.Path
		if c.Query != "" {
			line += "?" + c.Query
		}
		if c.Body.Exists() {
			line += " " + c.Body.JSON()
		}
		lines = append(lines, line)
	}
	return lines
}

func hits(contacts ...string) answer {
	return answer{http.StatusOK, `{"data":[` + strings.Join(contacts, ",") + `],"links":{"next":null}}`}
}

func script(get, put, post []answer) *fake {
	return &fake{script: map[string][]answer{"GET": get, "PUT": put, "POST": post}}
}

func newIDs() *sink.IDs { return sink.NewIDs(100, time.Hour) }

func ada() mapped.Contact {
	return mapped.Contact{Kind: mapped.Email, Identifier: "ada@example.test", Channel: mapping.Str("880")}
}

func saveAda(name string) mapped.SaveContact {
	s := mapped.SaveContact{Contact: ada(), Search: true}
	s.Name = name
	return s
}

func openAda() mapped.OpenTicket { return mapped.OpenTicket{Contact: ada(), Subject: "Hello"} }

const adaHit = `{"id":7,"identifier":"ada@example.test","name":"Ada"}`

// lookupAda is the search for ada's first page.
var lookupAda = "GET /contacts?page=1&term=" + url.QueryEscape("ada@example.test")

func send(t *testing.T, ids *sink.IDs, do sink.Doer, steps ...mapped.Step) (sink.Receipt, error) {
	t.Helper()
	return trengo.New(ids).Send(t.Context(), do, mapped.Message{Steps: steps})
}
