package kustomer

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// createsPerMinute is how many conversations, messages, notes and objects a client may create for
// one customer in a minute.
const createsPerMinute = 120

var (
	errTooManyCreates = errors.New("too many creates for this customer")
	errNoRecord       = errors.New("no such object")
	errStale          = errors.New("the revision is stale")
)

// record is an object of the desk that is no customer. Its attributes are replaced, never changed.
type record struct {
	kind string // of answers: conversation, note, kobject.order, ...
	id   string
	// parent is the conversation of a note or message, "" for what stands for itself.
	parent   string
	customer string // "" for none
	// external is the externalId by which it is looked up.
	external             string
	attributes           map[string]any
	rev                  int
	createdAt, updatedAt time.Time // by the desk's clock
	at                   time.Time // of its making, by the true clock
	call                 int64
	mark                 string
	maker                int64
}

// newRecord is a record that a request makes.
func newRecord(kind string, r stub.Request, attributes map[string]any) record {
	external, _ := attributes["externalId"].(string)
	return record{
		kind: kind, external: external, attributes: attributes, rev: 1, createdAt: r.Now, updatedAt: r.Now,
		at: time.Now(), call: r.Seq, mark: r.Mark, maker: r.UserID,
	}
}

// records are the objects of one organization.
type records struct {
	mu   sync.Mutex
	all  []*record
	made int // since the last reset, for ids
	byID map[string]*record
	// byExternal has the objects by kind and externalId; of several the first.
	byExternal map[[2]string]*record
	creates    map[string][]time.Time // of each customer, in the last minute
}

func newRecords() *records {
	s := &records{}
	s.clear()
	return s
}

func (s *records) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.made, s.byID, s.byExternal, s.creates = nil, 0, make(map[string]*record), make(map[[2]string]*record), make(map[string][]time.Time)
}

// limited reports whether a create is counted for its customer. What is imported is not, but for
// notes, of which that is not said.
func limited(r record) bool {
	return r.customer != "" && (r.kind == noteKind || r.attributes["importedAt"] == nil)
}

// add makes an object. once refuses a second one of its kind with its externalId. Errors:
// errConflict, errTooManyCreates.
func (s *records) add(r record, once bool) (record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if limited(r) && !s.mayCreate(r.customer, r.at) {
		return r, errTooManyCreates
	}
	external := [2]string{r.kind, r.external}
	taken := r.external != "" && s.byExternal[external] != nil
	if once && taken {
		return r, errConflict
	}
	s.made++
	r.id = objectID(r.kind, r.customer, strconv.Itoa(s.made))
	kept := r
	s.all, s.byID[r.id] = append(s.all, &kept), &kept
	if r.external != "" && !taken {
		s.byExternal[external] = &kept
	}
	return r, nil
}

// mayCreate counts one create more for a customer, if there may be one. s is locked.
func (s *records) mayCreate(customer string, now time.Time) bool {
	recent := s.creates[customer]
	for len(recent) > 0 && now.Sub(recent[0]) >= time.Minute {
		recent = recent[1:]
	}
	allowed := len(recent) < createsPerMinute
	if allowed {
		recent = append(recent, now)
	}
	s.creates[customer] = recent
	return allowed
}

// get returns the object of a kind and an id.
func (s *records) get(kind, id string) (record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.byID[id]; r != nil && r.kind == kind {
		return *r, true
	}
	return record{}, false
}

// lookUp returns the object of a kind with an externalId.
func (s *records) lookUp(kind, external string) (record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.byExternal[[2]string{kind, external}]; r != nil {
		return *r, true
	}
	return record{}, false
}

// list returns the objects that fit, in the order of their ids: the vendor names none.
func (s *records) list(fits func(record) bool) []record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []record
	for _, r := range s.all {
		if fits(*r) {
			found = append(found, *r)
		}
	}
	slices.SortFunc(found, func(a, b record) int { return cmp.Compare(a.id, b.id) })
	return found
}

// change gives the object of a kind and an id the attributes that change makes of it. Errors:
// errNoRecord, those of change.
func (s *records) change(kind, id string, now time.Time, change func(record) (map[string]any, error)) (record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.byID[id]
	if r == nil || r.kind != kind {
		return record{}, errNoRecord
	}
	next, err := change(*r)
	if err != nil {
		return record{}, err
	}
	r.attributes, r.rev, r.updatedAt = next, r.rev+1, now
	return *r, nil
}

// update is change of the object that the path names last, by a body: custom attributes one by
// one, all else whole. Errors: errNoRecord; errStale for a revision that is not the present one.
func (s *records) update(kind string, r stub.Request, body map[string]any) (record, error) {
	return s.change(kind, r.Params[len(r.Params)-1], r.Now, func(was record) (map[string]any, error) {
		if rev, ok := body["rev"].(json.Number); ok && !equals(rev, was.rev) {
			return nil, errStale
		}
		return merged(was.attributes, body, false), nil
	})
}

// remove deletes an object, and reports whether there was one.
func (s *records) remove(kind, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.byID[id]
	if r == nil || r.kind != kind {
		return false
	}
	delete(s.byID, id)
	if external := [2]string{r.kind, r.external}; s.byExternal[external] == r {
		delete(s.byExternal, external)
	}
	s.all = slices.DeleteFunc(s.all, func(other *record) bool { return other == r })
	return true
}

// data is the object as answers show it.
func (r record) data() map[string]any {
	shown := map[string]any{}
	maps.Copy(shown, r.attributes)
	delete(shown, "customer")
	maps.Copy(shown, map[string]any{
		"createdAt": r.createdAt.Format(kustomerTime), "updatedAt": r.updatedAt.Format(kustomerTime),
		"modifiedAt": r.updatedAt.Format(kustomerTime), "rev": r.rev,
	})
	related := map[string]any{"org": relationship("org", objectID("org"))}
	if r.customer != "" {
		related["customer"] = relationship("customer", r.customer)
	}
	if r.parent != "" {
		related["conversation"] = relationship("conversation", r.parent)
	}
	return map[string]any{"type": r.kind, "id": r.id, "attributes": shown, "relationships": related}
}

// answer shows the object.
func (r record) answer(status int) stub.Answer {
	return stub.JSON(status, map[string]any{"data": r.data()})
}
