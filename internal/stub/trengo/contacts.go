package trengo

import (
	"cmp"
	"encoding/json"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/deskstream/deskstream/internal/stub"
)

// channel is a channel as contacts and tickets show it.
type channel struct {
	ID    json.Number `json:"id"`
	Type  string      `json:"type"`
	Title string      `json:"title"`
}

func channelOf(id, kind string) channel {
	return channel{ID: json.Number(id), Type: kind, Title: kind + " " + id}
}

// contact is a Trengo contact as answers show it.
type contact struct {
	ID          int64           `json:"id"`
	Name        *string         `json:"name"`
	FullName    *string         `json:"full_name"`
	DisplayName string          `json:"display_name"`
	Email       *string         `json:"email"`
	Phone       *string         `json:"phone"`
	Formatted   *string         `json:"formatted_phone"`
	Identifier  string          `json:"identifier"`
	IsPhone     bool            `json:"is_phone"`
	IsPrivate   bool            `json:"is_private"`
	CustomData  map[string]any  `json:"custom_field_data"`
	Values      []any           `json:"custom_field_values"`
	Shown       []any           `json:"formatted_custom_field_data"` // PHP's empty map
	Profile     []any           `json:"profile"`
	Groups      []any           `json:"groups"`
	Pivot       json.RawMessage `json:"pivot"`
	Channels    []channel       `json:"channels"`

	fields []fieldValue
	notes  []contactNote // oldest first
	gone   bool
	text   string // name and e-mail address, of which a search finds any part, in lower case
}

// contacts are the contacts of one account.
type contacts struct {
	mu    sync.RWMutex
	byID  map[string]*contact
	all   []*contact // those of byID, by id
	index index

	noteIDs sequence
}

func newContacts() *contacts {
	c := &contacts{}
	c.clear()
	return c
}

// contactKey is an identifier as it is stored: an e-mail address in lower case, a
// phone number as + and its digits. National numbers get the + as well: the vendor
// stores what it is sent. What the vendor refuses is not documented: here it is a number
// with letters or without a digit other than 0.
func contactKey(kind, identifier string) (string, bool) {
	identifier = strings.TrimSpace(identifier)
	if kind == EMAIL {
		a, err := mail.ParseAddress(identifier)
		return strings.ToLower(identifier), err == nil && a.Address == identifier
	}
	d := stub.Digits(identifier)
	return "+" + d, strings.Trim(d, "0") != "" && !strings.ContainsFunc(identifier, unicode.IsLetter)
}

// findOrCreate gives a copy of the contact of a key, and whether it is new.
func (s *contacts) findOrCreate(kind, channelID, key, name string) (contact, bool) {
	id := stub.NumericID(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	c, known := s.byID[strconv.FormatInt(id, 10)]
	if !known {
		c = newContact(id, kind, key)
		c.setName(name)
		s.byID[strconv.FormatInt(id, 10)] = c
		at, _ := slices.BinarySearchFunc(s.all, id, byContactID)
		s.all = slices.Insert(s.all, at, c)
		s.index.add(c, "")
	}
	joined := channelOf(channelID, kind)
	if !slices.Contains(c.Channels, joined) {
		// A fresh list, as copies of the contact were given out.
		c.Channels = append(slices.Clone(c.Channels), joined)
	}
	return *c, !known
}

func newContact(id int64, kind, key string) *contact {
	c := &contact{ID: id, Identifier: key, Values: []any{}, Shown: []any{}, Profile: []any{}, Groups: []any{}}
	if kind == EMAIL {
		c.Email = &key
		return c
	}
	shown := formatPhone(key)
	c.IsPhone, c.Phone, c.Formatted, c.Identifier = true, &key, &shown, shown
	return c
}

// formatPhone shows a stored number with a blank after the first two digits.
func formatPhone(stored string) string {
	if len(stored) < 4 {
		return stored
	}
	return stored[:3] + " " + stored[3:]
}

func (c *contact) setName(name string) {
	c.Name = nullable(name)
	c.FullName = c.Name
	c.DisplayName = c.Identifier
	if name != "" {
		c.DisplayName = name + " (" + c.Identifier + ")"
	}
	c.text = strings.ToLower(name)
	if c.Email != nil {
		c.text += "\n" + *c.Email
	}
}

// matches reports whether a search for a term, in lower case, finds the contact: by part
// of its name or e-mail address, or by its phone number. That is found from its
// beginning only, and only as it is stored: the number's last digits find nothing.
func (c *contact) matches(term string) bool {
	if c.gone {
		return false
	}
	return strings.Contains(c.text, term) || c.Phone != nil && strings.HasPrefix(*c.Phone, term)
}

// indexed is all that a search looks at.
func (c *contact) indexed() string {
	if c.Phone != nil {
		return c.text + "\n" + *c.Phone
	}
	return c.text
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *contacts) get(id string) (contact, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if c, ok := s.byID[id]; ok {
		return *c, true
	}
	return contact{}, false
}

func (s *contacts) identifier(id string) string {
	c, _ := s.get(id)
	return c.Identifier
}

// rename sets the name; "" leaves it as it is.
func (s *contacts) rename(id, name string) (contact, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.byID[id]
	if !ok {
		return contact{}, false
	}
	if name != "" {
		old := c.indexed()
		c.setName(name)
		s.index.add(c, old)
	}
	return *c, true
}

// change lets a function change the contact of an id, and returns it. What it refers to was given
// out, so it is replaced and not changed.
func (s *contacts) change(id string, with func(*contact)) (contact, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.byID[id]
	if !ok {
		return contact{}, false
	}
	with(c)
	return *c, true
}

// search gives the hits of a page by id, and whether more follow. No term finds all.
func (s *contacts) search(term string, skip, n int) ([]contact, bool) {
	term = strings.ToLower(term)
	s.mu.RLock()
	defer s.mu.RUnlock()
	candidates, ok := s.index.candidates(term)
	if !ok {
		candidates = s.all
	}
	var hits []*contact
	for _, c := range candidates {
		if c.matches(term) {
			hits = append(hits, c)
		}
	}
	slices.SortFunc(hits, func(a, b *contact) int { return cmp.Compare(a.ID, b.ID) })
	hits = slices.Compact(hits)
	page := []contact{}
	for _, c := range hits[min(skip, len(hits)):min(skip+n, len(hits))] {
		page = append(page, *c)
	}
	return page, skip+n < len(hits)
}

func byContactID(c *contact, id int64) int { return cmp.Compare(c.ID, id) }

// remove deletes a contact, and reports whether there was one.
func (s *contacts) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.byID[id]
	if ok {
		c.gone = true // the index still has it
		delete(s.byID, id)
		at, _ := slices.BinarySearchFunc(s.all, c.ID, byContactID)
		s.all = slices.Delete(s.all, at, at+1)
	}
	return ok
}

func (s *contacts) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.byID)
}

func (s *contacts) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID, s.all, s.index = make(map[string]*contact), nil, make(index)
}
