package export_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/mapping/unified"
)

const (
	allOfTrengo   = "users, roles, teams, labels, fields, channels, statuses, groups, accounts, contacts, tickets, comments, attachments"
	allOfKustomer = "users, teams, labels, queues, accounts, contacts, objects, tickets, comments"
)

func TestRun_copiesAllListsOfTrengo(t *testing.T) {
	w := newWorld(t, "trengo", allOfTrengo)
	var tickets []string
	for i := range 60 {
		tickets = append(tickets, w.ticket(w.contact(i), i))
	}
	for i := range 45 {
		w.do("POST", "/tickets/"+tickets[7]+"/messages", fmt.Sprintf(`{"message":"message %d","internal_note":%v}`, i, i%2 == 0))
	}
	w.do("POST", "/profiles", `{"name":"Acme"}`)
	w.walk()
	for e, list := range map[unified.Entity]string{
		unified.Users: "/users", unified.Teams: "/teams", unified.Labels: "/labels", unified.Fields: "/custom_fields", unified.Channels: "/channels",
		unified.Statuses: "/ticket_results", unified.Groups: "/contact_groups", unified.Accounts: "/profiles", unified.Contacts: "/contacts",
		unified.Tickets: "/tickets", unified.Comments: "/tickets/" + tickets[7] + "/messages",
	} {
		w.same(e, list)
	}
	if roles := w.objects(unified.Roles); len(roles) != 1 {
		t.Errorf("the roles are %v", roles)
	}
	if got := w.field(unified.Comments, w.listed("/tickets/" + tickets[7] + "/messages")[0], "ticket_id"); got != tickets[7] {
		t.Errorf("a comment is of ticket %v, want %s", got, tickets[7])
	}
	if events := w.events(); len(events) != 0 {
		t.Errorf("the first walk wrote events: %v", events)
	}
	if notes := w.notes.String(); !strings.Contains(notes, "60 lists of comments, one for each of the tickets") {
		t.Errorf("the notes say %q", notes)
	}
}

func TestRun_copiesAllListsOfKustomer(t *testing.T) {
	w := newWorld(t, "kustomer", allOfKustomer)
	var customers []string
	for i := range 130 {
		customers = append(customers, w.contact(i))
	}
	for i := range 110 {
		w.ticket(customers[i], i)
	}
	order := made(w.do("POST", "/v1/customers/"+customers[3]+"/klasses/order", `{"title":"Order 1","externalId":"o-1"}`))
	conversation := w.ticket(customers[5], 200)
	w.do("POST", "/v1/conversations/"+conversation+"/notes", `{"body":"hello"}`)
	w.do("POST", "/v1/companies", `{"name":"Acme"}`)
	w.walk()
	for e, list := range map[unified.Entity]string{
		unified.Users: "/v1/users", unified.Teams: "/v1/teams", unified.Labels: "/v1/tags", unified.Queues: "/v1/routing/queues",
		unified.Accounts: "/v1/companies", unified.Contacts: "/v1/customers", unified.Tickets: "/v1/conversations",
		unified.Comments: "/v1/conversations/" + conversation + "/notes", unified.Objects: "/v1/customers/" + customers[3] + "/klasses/order",
	} {
		w.same(e, list)
	}
	if got := w.field(unified.Objects, order, "class"); got != "order" {
		t.Errorf("the object's class is %v", got)
	}
}

// Calls are those that the pages take, but for the few that find a list's end.
func TestWalk_makesFewMoreCallsThanThereArePages(t *testing.T) {
	for kind, pages := range map[string]map[string]int{"trengo": {"/contacts": 80, "/tickets": 80}, "kustomer": {"/v1/customers": 20}} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, kind, "contacts, tickets")
			for i := range 2000 {
				if contact := w.contact(i); kind == "trengo" {
					w.ticket(contact, i)
				}
			}
			w.walk()
			calls := w.called("")
			for path, least := range pages {
				n := 0
				for _, c := range calls {
					if strings.Contains(c, path+"?") {
						n++
					}
				}
				if most := least + least/20 + 14; n < least || n > most {
					t.Errorf("%d calls of %s, which has %d pages", n, path, least)
				}
			}
			w.walk()
			w.same(unified.Contacts, map[string]string{"trengo": "/contacts", "kustomer": "/v1/customers"}[kind])
		})
	}
}

// change is something that happens at a desk while its list is read.
type change struct {
	name string
	do   func(w *world, ids []string, n int)
}

// What moves from one page to another while a list is read is not lost, in either walk.
func TestWalk_losesNothingThatChangesWhileItReads(t *testing.T) {
	insert := change{"insert", func(w *world, _ []string, n int) { w.ticket(w.contact(1000+n), n) }}
	remove := change{"delete", func(w *world, ids []string, n int) { w.do("DELETE", "/tickets/"+ids[n*7%len(ids)], "") }}
	speak := change{"update", func(w *world, ids []string, n int) {
		w.do("POST", "/tickets/"+ids[(n*31+1)%len(ids)]+"/messages", `{"message":"again"}`)
	}}
	early := change{"delete the first", func(w *world, ids []string, n int) { w.do("DELETE", "/tickets/"+ids[n], "") }}
	for _, c := range []change{insert, remove, speak, early} {
		t.Run("tickets of Trengo, "+c.name, func(t *testing.T) {
			w := newWorld(t, "trengo", "tickets, comments")
			var ids []string
			contact := w.contact(0)
			for i := range 300 {
				ids = append(ids, w.ticket(contact, i))
			}
			w.meanwhile(func(n int, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/tickets") && n > 3 && n < 40 {
					c.do(w, ids, n)
				}
			})
			w.walk()
			w.meanwhile(func(int, *http.Request) {})
			topic := slices.Sorted(maps.Keys(w.objects(unified.Tickets)))
			if lost := without(w.listed("/tickets"), topic); len(lost) > 0 && c.name != "insert" {
				t.Errorf("lost: %v", lost)
			} else if lost := without(intersection(w.listed("/tickets"), ids), topic); len(lost) > 0 {
				t.Errorf("lost of those that were there: %v", lost)
			}
		})
	}
	for name, do := range map[string]func(w *world, ids []string, n int){
		"insert": func(w *world, _ []string, n int) { w.contact(1000 + n) },
		"delete": func(w *world, ids []string, n int) { w.do("DELETE", "/contacts/"+ids[n], "") },
		"update": func(w *world, ids []string, n int) { w.do("PUT", "/contacts/"+ids[n], `{"name":"Another"}`) },
	} {
		t.Run("contacts of Trengo, "+name, func(t *testing.T) {
			w := newWorld(t, "trengo", "contacts")
			for i := range 300 {
				w.contact(i)
			}
			ids := w.listed("/contacts")
			w.meanwhile(func(n int, _ *http.Request) {
				if n > 8 && n%3 == 0 && n < 30 {
					do(w, ids, n)
				}
			})
			w.walk()
			if lost := without(intersection(w.listed("/contacts"), ids), slices.Sorted(maps.Keys(w.objects(unified.Contacts)))); len(lost) > 0 {
				t.Errorf("lost: %v", lost)
			}
		})
	}
	for name, do := range map[string]func(w *world, ids []string, n int){
		"insert": func(w *world, _ []string, n int) { w.contact(1000 + n) },
		"delete": func(w *world, ids []string, n int) { w.do("DELETE", "/v1/customers/"+ids[n], "") },
		"update": func(w *world, ids []string, n int) {
			w.do("PUT", "/v1/customers/"+ids[n*50%len(ids)], `{"name":"Another"}`)
		},
	} {
		t.Run("customers of Kustomer, "+name, func(t *testing.T) {
			w := newWorld(t, "kustomer", "contacts")
			for i := range 550 {
				w.contact(i)
			}
			ids := w.listed("/v1/customers")
			w.meanwhile(func(n int, _ *http.Request) {
				if n > 6 && n < 20 {
					do(w, ids, n)
				}
			})
			w.walk()
			topic := slices.Sorted(maps.Keys(w.objects(unified.Contacts)))
			if lost := without(intersection(w.listed("/v1/customers"), ids), topic); len(lost) > 0 {
				t.Errorf("lost: %v", lost)
			}
			if name == "update" && w.field(unified.Contacts, ids[7*50%len(ids)], "name") != "Another" {
				t.Error("a change while the list was read is not on the topic")
			}
		})
	}
}

func intersection(some, others []string) []string {
	others = slices.Sorted(slices.Values(others))
	return slices.DeleteFunc(slices.Clone(some), func(s string) bool {
		_, found := slices.BinarySearch(others, s)
		return !found
	})
}

// A walk that ends at any call goes on where it was.
func TestWalk_killedAtEveryCallGoesOn(t *testing.T) {
	for kind, lists := range map[string]map[unified.Entity]string{
		"trengo":   {unified.Contacts: "/contacts", unified.Tickets: "/tickets"},
		"kustomer": {unified.Contacts: "/v1/customers", unified.Tickets: "/v1/conversations"},
	} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, kind, "contacts, tickets, comments")
			for i := range 110 {
				contact := w.contact(i)
				if i < 60 {
					w.comment(w.ticket(contact, i))
				}
			}
			killed := 0
			for {
				ctx, cancel := context.WithCancel(t.Context())
				w.meanwhile(func(i int, _ *http.Request) {
					if i == 8+killed%7 {
						cancel()
					}
				})
				err := w.try(ctx)
				cancel()
				if err == nil {
					break
				}
				if killed++; !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if killed > 300 {
					t.Fatal("the walk makes no progress")
				}
			}
			if killed < 5 {
				t.Errorf("it was killed %d times", killed)
			}
			for e, list := range lists {
				w.same(e, list)
			}
			if n := len(w.objects(unified.Comments)); n != 60 {
				t.Errorf("%d comments of 60 are there", n)
			}
			comments := len(w.called("/messages")) + len(w.called("/notes"))
			if comments > 60+(1+export.MostAhead)*killed {
				t.Errorf("%d lists of comments were read for 60 tickets and %d kills", comments, killed)
			}
		})
	}
}

// The lists below objects are read some at once: a desk that answers slowly does not hold up a walk for which
// there is budget.
func TestWalk_readsListsBelowObjectsSomeAtOnce(t *testing.T) {
	w := newWorld(t, "trengo", "tickets, comments")
	contact := w.contact(0)
	for i := range 2 * export.MostAhead {
		w.comment(w.ticket(contact, i))
	}
	open, all := make(chan struct{}, export.MostAhead), make(chan struct{})
	w.answer(func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/messages") {
			return false
		}
		select {
		case open <- struct{}{}:
			if len(open) == export.MostAhead {
				close(all)
			}
		case <-all:
		}
		select {
		case <-all:
		case <-r.Context().Done(): // no more come: the walk reads fewer at once
		}
		return false
	})
	w.walk()
	if n := len(w.objects(unified.Comments)); n != 2*export.MostAhead {
		t.Errorf("%d comments are on the topic", n)
	}
}

// The second walk asks for what changed, and reads the comments of the tickets that did.
func TestWalk_theNextOneIsOfChangesOnly(t *testing.T) {
	w := newWorld(t, "trengo", "contacts, tickets, comments")
	desk := w.desk.Desk("trengo")
	desk.SetQuirks(stub.Quirks{ClockOffset: -30 * 24 * time.Hour})
	contact, ids := w.contact(0), []string{}
	for i := range 200 {
		ids = append(ids, w.ticket(contact, i))
	}
	desk.SetQuirks(stub.Quirks{})
	w.walk()
	w.called("")
	w.do("POST", "/tickets/"+ids[3]+"/messages", `{"message":"news"}`)
	w.walk()
	calls := w.called("")
	var tickets, messages int
	for _, c := range calls {
		switch {
		case strings.Contains(c, "/messages"):
			messages++
		case strings.Contains(c, "/tickets?"):
			tickets++
			if !strings.Contains(c, "updated_at_gt=") {
				t.Errorf("not asked for changes: %s", c)
			}
		}
	}
	if tickets != 1 || messages != 1 {
		t.Errorf("%d calls for tickets and %d for messages, want 1 and 1: %v", tickets, messages, calls)
	}
	if len(w.objects(unified.Comments)) != 1 {
		t.Error("the message is not on the topic")
	}
	before := w.EndOffsets(t, "helpdesk.events.desk.tickets")
	w.walk()
	if after := w.EndOffsets(t, "helpdesk.events.desk.tickets"); !maps.Equal(before, after) {
		t.Error("tickets that did not change were written again")
	}
}

func TestWalk_tellsWhatHasNoWebhook(t *testing.T) {
	w := newWorld(t, "trengo", "contacts, tickets, comments")
	contact := w.contact(1)
	w.ticket(contact, 1)
	w.walk()
	w.do("PUT", "/contacts/"+contact, `{"name":"Another"}`)
	second := w.contact(2)
	ticket := w.ticket(second, 2)
	w.do("POST", "/tickets/"+ticket+"/messages", `{"message":"x","internal_note":true}`)
	w.walk()
	want := []string{"contact.created desk/contact/" + second, "contact.updated desk/contact/" + contact, "ticket.created desk/ticket/" + ticket}
	if got := w.events(); !slices.Equal(got, want) {
		t.Errorf("events are %v, want %v", got, want)
	}
	w.walk()
	if got := w.events(); len(got) != len(want) {
		t.Errorf("a walk that found nothing wrote events: %v", got)
	}
}

// The desk's clock is not ours: what changed is asked for by the times that the desk itself gave.
func TestWalk_changesAreFoundThoughTheDesksClockIsSlow(t *testing.T) {
	w := newWorld(t, "kustomer", "contacts")
	w.desk.Desk("kustomer").SetQuirks(stub.Quirks{ClockOffset: -time.Hour})
	id := w.contact(1)
	for i := range 5 {
		w.contact(2 + i)
	}
	w.walk()
	w.do("PUT", "/v1/customers/"+id, `{"name":"Another"}`)
	w.called("")
	w.walk()
	if got := w.field(unified.Contacts, id, "name"); got != "Another" {
		t.Errorf("the name is %v", got)
	}
	if calls := w.called(""); len(calls) != 1 || !strings.Contains(calls[0], "updatedAt%5D%5Bgte%5D=") {
		t.Errorf("the calls are %v", calls)
	}
}
