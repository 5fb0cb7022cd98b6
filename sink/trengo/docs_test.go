package trengo_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/call"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink/trengo"
)

var (
	// endpointRow is a row of the table of endpoints in docs/trengo.md.
	endpointRow = regexp.MustCompile(`(?m)^\| ((?:GET|POST|PUT|DELETE) /\S+) \| (rule|call|not)\b`)
	idSegment   = regexp.MustCompile(`/\d+(/|$)`)
)

// endpoints are those of the table that are reached by something.
func endpoints(t *testing.T, by string) (list []string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/trengo.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range endpointRow.FindAllStringSubmatch(string(page), -1) {
		if row[2] == by {
			list = append(list, row[1])
		}
	}
	slices.Sort(list)
	return list
}

// Rules that ask for all there is make calls of these endpoints, and of no others.
func TestDocs_theTableOfEndpointsIsTrue(t *testing.T) {
	seen := make(map[string]bool)
	onStub(t, "rules", func(s *scene) {
		lost := map[string]bool{}
		s.wire.before = func(call string) fate {
			op, _, _ := strings.Cut(call, " {")
			method, target, _ := strings.Cut(op, " ")
			path, _, _ := strings.Cut(target, "?")
			for idSegment.MatchString(path) {
				path = idSegment.ReplaceAllString(path, "/{id}$1")
			}
			seen[method+" "+path] = true
			if first := strings.Contains(call, "note") && !lost[path]; first {
				lost[path] = true
				return fate{lost: true} // so that it is looked for
			}
			return fate{}
		}
		ticket := s.open()
		s.does(actions(
			rules.SaveContact{Fields: []rules.Named{{Name: "Plan", Value: "pro"}}}, rules.JoinGroups{Names: []string{"VIP"}}, rules.SetProfile{Name: "Acme"},
			rules.NoteContact{Text: "pays late"}, rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenOnce, Channel: "EMAIL 123456"},
			rules.Assign{Team: "Billing", User: "8"}, rules.Assign{User: "mila@desk.example"}, rules.Label{Names: []string{"vip"}}, rules.Label{Names: []string{"vip"}, Off: true},
			rules.SetFields{Fields: []rules.Named{{Name: "Invoice", Value: "I-7"}}}, rules.Note{Text: "Card declined"}, rules.Message{Text: "Please pay"},
			rules.SendMessage{Text: "Hello"}, rules.SetStatus{Closed: true, Result: "Paid"},
		))
		s.does(actions(rules.UseTicket{Find: rules.ByID, ID: ticket, Open: rules.OpenNever}, rules.SetStatus{}))
		s.doesTo(grace, rules.SaveContact{Create: true}, rules.UseTicket{Open: rules.OpenAlways}, rules.Message{Template: &rules.Approved{ID: "81"}})
		// Without rules: the name.
		ada := mapped.Contact{Kind: mapped.Email, Identifier: "ada@example.test", Name: "Ada", Channel: mapping.Str("123456")}
		if _, err := s.acts(s.t.Context(), nil, trengo.Actions{
			Contact: ada, Default: mapped.Message{Steps: []mapped.Step{mapped.SaveContact{Contact: ada, Search: true}}}, Decision: rules.Decision{Default: true},
		}); err != nil {
			s.t.Fatal(err)
		}
	})
	var made []string
	for op := range seen {
		made = append(made, op)
	}
	slices.Sort(made)
	if diff := cmp.Diff(endpoints(t, "rule"), made); diff != "" {
		t.Errorf("endpoints (-page +rules):\n%s", diff)
	}
}

// Those that are left to calls can be allowed, and called.
func TestDocs_theEndpointsOfCallsCanBeCalled(t *testing.T) {
	list := endpoints(t, "call")
	if len(list) < 20 {
		t.Fatalf("%d rows, too few: has the table another form?", len(list))
	}
	for _, endpoint := range list {
		allow := strings.ReplaceAll(endpoint, "{id}", "*")
		method, path, _ := strings.Cut(strings.ReplaceAll(endpoint, "{id}", "42"), " ")
		desk, err := call.NewDesk("inbox", []string{allow}, nil)
		if err != nil {
			t.Errorf("%s: %v", allow, err)
			continue
		}
		ev, err := mapping.Decode(fmt.Appendf(nil, `{"type":"call","destination":"inbox","method":%q,"path":%q}`, method, path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := desk.Read(ev); err != nil {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
