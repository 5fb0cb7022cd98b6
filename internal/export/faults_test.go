package export_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/mapping/unified"
)

// hide leaves the objects of some ids out of the list of contacts, as a desk does that deleted them or does not
// show them to the credential.
func (w *world) hide(hidden func(id string) bool) {
	w.answer(func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/contacts") {
			return false
		}
		recorded := httptest.NewRecorder()
		w.desk.ServeHTTP(recorded, r)
		var answer map[string]any
		d := json.NewDecoder(recorded.Body)
		d.UseNumber()
		if err := d.Decode(&answer); err != nil {
			w.t.Error(err)
		}
		data, _ := answer["data"].([]any)
		answer["data"] = slices.DeleteFunc(data, func(e any) bool { return hidden(made(e.(map[string]any))) })
		_ = json.NewEncoder(rw).Encode(answer)
		return true
	})
}

// contactsOf makes contacts. Trengo's cannot be asked for changes: each walk is of all.
func contactsOf(w *world, n int) (ids []string) {
	for i := range n {
		ids = append(ids, w.contact(i))
	}
	return ids
}

func TestMissing_isDeletedAfterTwoWalksInARowAndA404(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	ids := contactsOf(w, 60)
	w.walk()
	w.do("DELETE", "/contacts/"+ids[5], "")
	w.walk()
	if w.objects(unified.Contacts)[ids[5]] == nil {
		t.Fatal("one walk deleted an object")
	}
	w.called("")
	w.walk()
	if got := w.called("/contacts/"); len(got) != 1 || !strings.Contains(got[0], ids[5]) {
		t.Errorf("asked for %v, want the missing contact", got)
	}
	if w.objects(unified.Contacts)[ids[5]] != nil {
		t.Error("two walks did not delete an object that is not there")
	}
	w.same(unified.Contacts, "/contacts")
	w.walk()
	if got := w.called("/contacts/"); len(got) != 0 {
		t.Errorf("a deleted contact is asked for again: %v", got)
	}
}

func TestMissing_isKeptUnlessTheDeskSaysThatItIsGone(t *testing.T) {
	for name, status := range map[string]int{"it is there": 0, "no right to see it": http.StatusForbidden, "refused": http.StatusUnprocessableEntity} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "trengo", "contacts")
			ids := contactsOf(w, 60)
			w.walk()
			w.hide(func(id string) bool { return id == ids[5] })
			hidden := w.before
			w.answer(func(rw http.ResponseWriter, r *http.Request) bool {
				if status != 0 && strings.HasSuffix(r.URL.Path, ids[5]) {
					rw.WriteHeader(status)
					_, _ = rw.Write([]byte(`{"message":"no"}`))
					return true
				}
				return hidden(rw, r)
			})
			w.called("")
			for range 4 {
				w.walk()
			}
			if w.objects(unified.Contacts)[ids[5]] == nil {
				t.Error("it was deleted")
			}
			if asked := w.called("/contacts/" + ids[5]); len(asked) == 0 {
				t.Error("it was not asked for")
			}
		})
	}
}

// A gateway's 404 is a failure of the walk and proves nothing.
func TestMissing_aGatewaysAnswerDeletesNothing(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	ids := contactsOf(w, 60)
	w.walk()
	w.do("DELETE", "/contacts/"+ids[5], "")
	w.walk()
	w.answer(func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, ids[5]) {
			return false
		}
		rw.WriteHeader(http.StatusNotFound)
		_, _ = rw.Write([]byte("<html>no such host</html>"))
		return true
	})
	if err := w.try(t.Context()); err == nil {
		t.Error("the walk has no error")
	}
	if w.objects(unified.Contacts)[ids[5]] == nil {
		t.Error("it was deleted")
	}
	w.answer(nil)
	w.walk()
	w.same(unified.Contacts, "/contacts")
}

// An object that a walk sees in between is missed from the beginning again.
func TestMissing_twoWalksHaveToBeInARow(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	ids := contactsOf(w, 60)
	w.walk()
	for range 3 {
		w.hide(func(id string) bool { return id == ids[5] })
		w.walk()
		w.answer(nil)
		w.walk()
	}
	if asked := w.called("/contacts/"); len(asked) != 0 {
		t.Errorf("it was asked for: %v", asked)
	}
	if marks := w.marks(); len(marks) != 0 {
		t.Errorf("marks are left of what was seen again: %v", marks)
	}
}

// A walk that is an error stands between the one before it and the one after.
func TestMissing_aWalkThatIsNotBelievedBreaksTheRow(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	ids := contactsOf(w, 60)
	w.walk()
	w.do("DELETE", "/contacts/"+ids[5], "")
	w.walk()
	w.hide(func(id string) bool { return slices.Index(ids, id) > 10 })
	if w.try(t.Context()) == nil {
		t.Fatal("the walk has no error")
	}
	w.answer(nil)
	w.walk()
	if w.objects(unified.Contacts)[ids[5]] == nil {
		t.Error("deleted after two walks with an error between them")
	}
	w.walk()
	w.same(unified.Contacts, "/contacts")
}

// marks are the records of missing objects on the state topic.
func (w *world) marks() map[string]string {
	w.t.Helper()
	marks := make(map[string]string)
	for _, r := range w.Consume(w.t, export.StateTopic(prefix)) {
		if key := string(r.Key); strings.Contains(key, `"id"`) {
			if marks[key] = string(r.Value); r.Value == nil {
				delete(marks, key)
			}
		}
	}
	return marks
}

// What a walk has seen before it was killed is not missing, nor read again.
func TestMissing_aKilledWalkKnowsWhatItHasSeen(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	contactsOf(w, 300)
	w.walk()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.meanwhile(func(n int, _ *http.Request) {
		if n == 8 {
			cancel()
		}
	})
	w.called("")
	if w.try(ctx) == nil {
		t.Fatal("the walk was not killed")
	}
	before := len(w.called(""))
	w.answer(nil)
	w.walk()
	if n := before + len(w.called("")); n > 12+4 {
		t.Errorf("%d calls for 12 pages and a kill", n)
	}
	if marks := w.marks(); len(marks) != 0 {
		t.Errorf("taken for missing: %v", marks)
	}
}

func TestMissing_aCredentialThatSeesHalfDeletesNothing(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	ids := contactsOf(w, 100)
	w.walk()
	w.hide(func(id string) bool { return slices.Index(ids, id)%2 == 1 })
	w.called("")
	for range 3 {
		if err := w.try(t.Context()); err == nil || !strings.Contains(err.Error(), "50 of 100 objects are missing") {
			t.Errorf("the error is %v", err)
		}
	}
	if got := len(w.objects(unified.Contacts)); got != 100 {
		t.Errorf("%d of 100 are left", got)
	}
	if asked := w.called("/contacts/"); len(asked) != 0 {
		t.Errorf("asked for %d contacts one by one", len(asked))
	}
	// The walks that were not believed are none: what was deleted meanwhile is missed twice first.
	w.answer(nil)
	w.do("DELETE", "/contacts/"+ids[5], "")
	w.walk()
	if w.objects(unified.Contacts)[ids[5]] == nil {
		t.Error("deleted after one believed walk")
	}
	w.walk()
	w.same(unified.Contacts, "/contacts")
}

// Up to 20 objects may be missing however few there are, and 5 % of many.
func TestMissing_fewOrFivePercentAreBelieved(t *testing.T) {
	for _, tt := range []struct {
		all, gone int
		believed  bool
	}{{30, 20, true}, {30, 21, false}, {500, 25, true}, {500, 26, false}} {
		t.Run(fmt.Sprint(tt.gone, " of ", tt.all), func(t *testing.T) {
			w := newWorld(t, "trengo", "contacts")
			ids := contactsOf(w, tt.all)
			w.walk()
			for _, id := range ids[:tt.gone] {
				w.do("DELETE", "/contacts/"+id, "")
			}
			for range 2 {
				if err := w.try(t.Context()); (err == nil) != tt.believed {
					t.Errorf("the error is %v", err)
				}
			}
			if left := len(w.objects(unified.Contacts)); (left == tt.all-tt.gone) != tt.believed {
				t.Errorf("%d are left", left)
			}
		})
	}
}

// With a ticket go its comments.
func TestMissing_takesWhatIsBelowWithIt(t *testing.T) {
	w := newWorld(t, "kustomer", "contacts, objects")
	customer := w.contact(1)
	w.contact(2)
	w.do("POST", "/v1/customers/"+customer+"/klasses/order", `{"title":"Order"}`)
	w.walk()
	if len(w.objects(unified.Objects)) != 1 {
		t.Fatal("the object is not on its topic")
	}
	w.do("DELETE", "/v1/customers/"+customer, "")
	w.walkAll()
	w.walkAll()
	if len(w.objects(unified.Objects)) != 0 || len(w.objects(unified.Contacts)) != 1 {
		t.Errorf("%d objects and %d contacts are left, want 0 and 1", len(w.objects(unified.Objects)), len(w.objects(unified.Contacts)))
	}
}

// Passing failures are waited out; the walk misses nothing by them.
func TestWalk_outlivesFailures(t *testing.T) {
	for name, answer := range map[string]func(rw http.ResponseWriter){
		"429": func(rw http.ResponseWriter) {
			rw.Header().Set("X-Ratelimit-Remaining", "0")
			rw.Header().Set("Retry-After", "0")
			rw.WriteHeader(http.StatusTooManyRequests)
			_, _ = rw.Write([]byte(`{"message":"Too Many Attempts."}`))
		},
		"500": func(rw http.ResponseWriter) {
			rw.WriteHeader(http.StatusInternalServerError)
			_, _ = rw.Write([]byte(`<html>`))
		},
		"a web page":    func(rw http.ResponseWriter) { _, _ = rw.Write([]byte(`<html>`)) },
		"half a page":   func(rw http.ResponseWriter) { _, _ = rw.Write([]byte(`{"data":[{"id":1},`)) },
		"no list":       func(rw http.ResponseWriter) { _, _ = rw.Write([]byte(`{"data":{}}`)) },
		"an error page": func(rw http.ResponseWriter) { rw.WriteHeader(http.StatusBadGateway) },
		"a hold": func(rw http.ResponseWriter) {
			rw.WriteHeader(http.StatusUnauthorized)
			_, _ = rw.Write([]byte(`{"message":"Unauthenticated."}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "trengo", "contacts, tickets")
			for i := range 110 {
				w.ticket(w.contact(i), i)
			}
			var n atomic.Int64
			w.answer(func(rw http.ResponseWriter, _ *http.Request) bool {
				if n.Add(1)%4 != 0 {
					return false
				}
				answer(rw)
				return true
			})
			w.walk()
			w.same(unified.Contacts, "/contacts")
			w.same(unified.Tickets, "/tickets")
		})
	}
}

// A list that the desk does not show, or that fails for long, keeps no other from being walked, and
// goes on where it was.
func TestWalk_aListThatFailsKeepsNoOtherFromBeingWalked(t *testing.T) {
	for status, path := range map[int]string{http.StatusForbidden: "/contacts", http.StatusInternalServerError: "/contacts"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			w := newWorld(t, "trengo", "contacts, tickets, users")
			for i := range 110 {
				w.ticket(w.contact(i), i)
			}
			w.answer(func(rw http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, path) || r.URL.Query().Get("page") < "3" && status >= 500 {
					return false
				}
				rw.WriteHeader(status)
				_, _ = rw.Write([]byte(`{"message":"no"}`))
				return true
			})
			err := w.try(t.Context())
			if err == nil || !strings.Contains(err.Error(), "contacts: ") {
				t.Errorf("the error is %v", err)
			}
			w.same(unified.Tickets, "/tickets")
			w.same(unified.Users, "/users")
			w.answer(nil)
			w.walk()
			w.same(unified.Contacts, "/contacts")
		})
	}
}

// A place that Kafka does not take ends the walk; the objects before it are not written again.
func TestWalk_aPlaceThatIsNotOnRecordIsReadAgain(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	contactsOf(w, 60)
	w.meanwhile(func(n int, _ *http.Request) {
		if n == 6 {
			w.FailProduce("helpdesk.events.exports", 1, kerr.InvalidRecord)
		}
	})
	if err := w.try(t.Context()); err == nil {
		t.Fatal("the walk has no error")
	}
	w.answer(nil)
	w.walk()
	w.same(unified.Contacts, "/contacts")
	if n := len(w.Consume(t, "helpdesk.events.desk.contacts")); n != 60 {
		t.Errorf("%d records for 60 contacts", n)
	}
}

// A desk that ignores the order or the moment that it is asked for is read by page numbers.
func TestWalk_aDeskThatIgnoresWhatItIsAskedForIsReadWhole(t *testing.T) {
	for _, ignored := range []string{"sort", "filter[updatedAt][gte]"} {
		t.Run(ignored, func(t *testing.T) {
			w := newWorld(t, "kustomer", "contacts")
			contactsOf(w, 450)
			w.meanwhile(func(_ int, r *http.Request) {
				q := r.URL.Query()
				q.Del(ignored)
				r.URL.RawQuery = q.Encode()
			})
			for range 2 {
				w.walk()
				w.same(unified.Contacts, "/v1/customers")
				if calls := w.called("/customers?"); len(calls) > 5+1+8 {
					t.Errorf("%d calls for 5 pages", len(calls))
				}
			}
		})
	}
}

// Entries that are none are left out and told; ids are texts, whatever they are.
func TestWalk_entriesThatAreNone(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	w.answer(func(rw http.ResponseWriter, r *http.Request) bool {
		_, _ = rw.Write([]byte(`{"data":[{"id":"seven","name":"A"},{"name":"no id"},7,null,[],{"id":18446744073709551616}]}`))
		return true
	})
	w.walk()
	objects := w.objects(unified.Contacts)
	if len(objects) != 2 || objects["seven"] == nil || objects["18446744073709551616"] == nil {
		t.Errorf("the topic has %v", objects)
	}
}

// An object that its topic does not take goes without its original.
func TestWalk_anObjectThatIsTooLargeGoesWithoutItsOriginal(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	random := make([]byte, 9<<18) // no compression makes it small
	_, _ = rand.NewChaCha8([32]byte{}).Read(random)
	big := base64.RawURLEncoding.EncodeToString(random)
	w.answer(func(rw http.ResponseWriter, r *http.Request) bool {
		_, _ = rw.Write([]byte(`{"data":[{"id":1,"name":"` + big + `"},{"id":2,"name":"small"}]}`))
		return true
	})
	w.walk()
	objects := w.objects(unified.Contacts)
	if len(objects) != 2 || !bytes.Contains(objects["1"], []byte(big)) || bytes.Contains(objects["1"], []byte(`"raw"`)) {
		t.Errorf("the topic has %d objects, the first of %d bytes", len(objects), len(objects["1"]))
	}
}

// A topic that takes each object, and not a batch of them, has all in the end: what is refused of one
// partition is sent again, whatever became of the others.
func TestWalk_whatIsRefusedAsABatchGoesOneByOne(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	w.make("helpdesk.events.desk.contacts", 3, "cleanup.policy", "compact", "max.message.bytes", "8000")
	random := make([]byte, 5000)
	source := rand.NewChaCha8([32]byte{})
	entries := make([]string, 12)
	partition := kgo.StickyKeyPartitioner(nil).ForTopic("")
	for i := range entries {
		_, _ = source.Read(random)
		entries[i] = fmt.Sprintf(`{"id":%d,"name":"%d"}`, i+1, i)
		if partition.Partition(&kgo.Record{Key: strconv.AppendInt(nil, int64(i+1), 10)}, 3) == 2 { // the others are taken
			entries[i] = fmt.Sprintf(`{"id":%d,"name":%q}`, i+1, base64.RawURLEncoding.EncodeToString(random))
		}
	}
	w.answer(func(rw http.ResponseWriter, _ *http.Request) bool {
		_, _ = rw.Write([]byte(`{"data":[` + strings.Join(entries, ",") + `]}`))
		return true
	})
	w.walk()
	objects := w.objects(unified.Contacts)
	for i := range entries {
		if !bytes.Contains(objects[strconv.Itoa(i+1)], []byte(`"raw"`)) {
			t.Errorf("contact %d is %.60q on the topic", i+1, objects[strconv.Itoa(i+1)])
		}
	}
}

func TestRun_refusesTopicsThatWouldForget(t *testing.T) {
	w := newWorld(t, "trengo", "contacts")
	w.make("helpdesk.events.desk.contacts", 1, "cleanup.policy", "delete")
	w.make("helpdesk.events", 1, "cleanup.policy", "compact")
	err := w.try(t.Context())
	for _, want := range []string{"helpdesk.events.desk.contacts has cleanup.policy delete", "helpdesk.events is compacted"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
}

// make makes a topic with settings: names and values in turn.
func (w *world) make(topic string, partitions int32, settings ...string) {
	w.t.Helper()
	config := make(map[string]*string)
	for pair := range slices.Chunk(settings, 2) {
		config[pair[0]] = &pair[1]
	}
	if _, err := w.Admin(w.t).CreateTopic(w.t.Context(), partitions, -1, config, topic); err != nil {
		w.t.Fatal(err)
	}
}
