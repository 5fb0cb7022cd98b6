package kustomer

import (
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

var (
	errConflict   = errors.New("a unique value belongs to another customer")
	errNoCustomer = errors.New("no such customer")
)

// customer is one customer. Its attributes are replaced, never changed, so a copy
// can be read without the lock.
type customer struct {
	id         string
	attributes map[string]any
	rev        int
	createdAt  time.Time
	updatedAt  time.Time
}

// customers are the customers of one organization.
type customers struct {
	mu     sync.RWMutex
	byID   map[string]*customer
	owners map[key]string
	events int
	made   int // customers without any unique value, for their ids
}

func newCustomers() *customers {
	s := &customers{}
	s.clear()
	return s
}

func (s *customers) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID, s.owners, s.events, s.made = make(map[string]*customer), make(map[key]string), 0, 0
}

func (s *customers) count() map[string]int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return map[string]int{"customers": len(s.byID), "events": s.events}
}

func (s *customers) get(id string) (customer, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok := s.byID[id]
	if !ok {
		return customer{}, false
	}
	return *c, true
}

func (s *customers) find(f field, value string) (customer, bool) {
	s.mu.RLock()
	id := s.owners[keyOf(f, value)]
	s.mu.RUnlock()
	return s.get(id)
}

// create makes a customer. Errors: errConflict.
func (s *customers) create(body map[string]any, now time.Time) (customer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.insert(body, now)
}

// insert is create with the lock held.
func (s *customers) insert(body map[string]any, now time.Time) (customer, error) {
	keys := valuesOf(body)
	for _, k := range keys {
		if s.owners[k] != "" {
			return customer{}, errConflict
		}
	}
	c := &customer{id: s.newID(keys), attributes: body, rev: 1, createdAt: now, updatedAt: now}
	delete(c.attributes, "rev")
	s.byID[c.id] = c
	for _, k := range keys {
		s.owners[k] = c.id
	}
	return *c, nil
}

// newID is a hash of the first unique value. That value may have belonged to a
// customer who lost it since, so an id that is taken is hashed again.
func (s *customers) newID(keys []key) string {
	parts := []string{"customer"}
	if len(keys) == 0 {
		s.made++
		parts = append(parts, "nameless", strconv.Itoa(s.made))
	} else {
		parts = append(parts, string(keys[0].field), keys[0].value)
	}
	id := objectID(parts...)
	for s.byID[id] != nil {
		id = objectID(id)
	}
	return id
}

// update changes the attributes that the body names: lists are replaced whole, custom
// attributes one by one. A company that the body leaves out is unlinked, as the
// vendor documents. Errors: errNoCustomer; errConflict, for a stale rev too.
func (s *customers) update(id string, body map[string]any, replace bool, now time.Time) (customer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.byID[id]
	if !ok {
		return customer{}, errNoCustomer
	}
	if rev, ok := body["rev"].(json.Number); ok && !equals(rev, c.rev) {
		return customer{}, errConflict
	}
	next := merged(c.attributes, body, replace)
	keys := valuesOf(next)
	for _, k := range keys {
		if owner := s.owners[k]; owner != "" && owner != id {
			return customer{}, errConflict
		}
	}
	s.store(c, next, keys, now)
	return *c, nil
}

// store gives a customer new attributes and their unique values, with the lock held.
func (s *customers) store(c *customer, next map[string]any, keys []key, now time.Time) {
	for _, k := range valuesOf(c.attributes) {
		delete(s.owners, k)
	}
	for _, k := range keys {
		s.owners[k] = c.id
	}
	c.attributes, c.rev, c.updatedAt = next, c.rev+1, now
}

// equals reports whether a number is a revision, however it is written.
func equals(n json.Number, rev int) bool {
	f, err := n.Float64()
	return err == nil && f == float64(rev)
}

func merged(old, body map[string]any, replace bool) map[string]any {
	next := map[string]any{}
	if !replace {
		maps.Copy(next, old)
		delete(next, "company")
	}
	for name, v := range body {
		if name == "custom" && !replace {
			v = mergedCustom(old[name], v)
		}
		next[name] = v
	}
	delete(next, "rev")
	return next
}

func mergedCustom(old, body any) any {
	next := map[string]any{}
	for _, v := range []any{old, body} {
		m, _ := v.(map[string]any)
		maps.Copy(next, m)
	}
	return next
}

// identify finds or creates the customer of an identity, by externalId, e-mail address
// and phone number in that order, and gives the customer what it had no value of.
// The id is "" for an identity without any: its event stays anonymous.
func (s *customers) identify(identity map[string]any, now time.Time) string {
	wanted := map[string]any{}
	for name, v := range map[string]any{
		"externalId": identity["externalId"],
		"emails":     entryOf(byEmail, identity["email"]),
		"phones":     entryOf(byPhone, identity["phone"]),
	} {
		if v != nil {
			wanted[name] = v
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events++
	keys := valuesOf(wanted)
	for _, k := range keys {
		if id := s.owners[k]; id != "" {
			s.complete(s.byID[id], wanted, now)
			return id
		}
	}
	if len(keys) == 0 {
		return ""
	}
	c, err := s.insert(wanted, now)
	if err != nil {
		panic("stub: inserting a customer whose values are free: " + err.Error())
	}
	return c.id
}

func entryOf(f field, v any) any {
	if stub.ScalarText(v) == "" {
		return nil
	}
	return []any{map[string]any{string(f): v, "verified": false}}
}

// complete adds the wanted attributes that a customer lacks, unless they belong to
// somebody else, with the lock held.
func (s *customers) complete(c *customer, wanted map[string]any, now time.Time) {
	next := maps.Clone(c.attributes)
	for name, v := range wanted {
		if next[name] != nil {
			continue
		}
		if keys := valuesOf(map[string]any{name: v}); s.owners[keys[0]] == "" {
			next[name] = v
		}
	}
	if len(next) > len(c.attributes) {
		s.store(c, next, valuesOf(next), now)
	}
}

// remove deletes a customer, and reports whether there was one.
func (s *customers) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.byID[id]
	if !ok {
		return false
	}
	for _, k := range valuesOf(c.attributes) {
		delete(s.owners, k)
	}
	delete(s.byID, id)
	return true
}
