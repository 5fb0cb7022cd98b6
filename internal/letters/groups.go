package letters

import (
	"cmp"
	"slices"
	"time"
)

// Group is the letters of one cause.
type Group struct {
	Fingerprint string         `json:"fingerprint"`
	Count       int            `json:"count"`
	Statuses    map[Status]int `json:"statuses"`
	First       time.Time      `json:"first"`
	Last        time.Time      `json:"last"`
	Dialect     Dialect        `json:"dialect"`
	Destination string         `json:"destination,omitempty"`
	Stage       string         `json:"stage,omitempty"`
	Class       string         `json:"class,omitempty"`
	Code        string         `json:"code,omitempty"`
	HTTPStatus  int            `json:"http_status,omitempty"`
	Sample      Sample         `json:"sample"`
	Advice      string         `json:"advice"`
	// Hours are the letters of the last day by hour, the oldest first; the last one ends when the
	// counting began.
	Hours [24]int `json:"-"`
}

// Sample is one letter of a group.
type Sample struct {
	ID        string `json:"id"`
	Letter    string `json:"letter"` // topic/partition/offset
	Source    string `json:"source,omitempty"`
	Message   string `json:"message,omitempty"`
	EventID   string `json:"event_id,omitempty"`
	EventType string `json:"event_type,omitempty"`
	User      string `json:"user,omitempty"`
}

// maxGroups bounds the memory that causes take which no fingerprint brings together.
// What comes beyond is counted by destination, class and code alone.
const maxGroups = 10_000

// Groups counts letters by cause. It keeps one sample per group.
type Groups struct {
	groups map[string]*Group
	now    time.Time
}

// NewGroups counts nothing yet.
func NewGroups() *Groups {
	return &Groups{groups: make(map[string]*Group), now: time.Now()}
}

// Add counts a letter.
func (g *Groups) Add(l *Letter, status Status) {
	group := g.of(l)
	group.Count++
	group.Statuses[status]++
	at := l.At.Timestamp
	if group.First.IsZero() || at.Before(group.First) {
		group.First = at
	}
	if at.After(group.Last) {
		group.Last = at
	}
	if ago := g.now.Sub(at); ago < time.Duration(len(group.Hours))*time.Hour {
		group.Hours[len(group.Hours)-1-max(int(ago/time.Hour), 0)]++ // of a clock that is ahead, now
	}
}

// of is the letter's group, made with the letter as its sample if there is none yet.
func (g *Groups) of(l *Letter) *Group {
	name := l.Fingerprint
	if l.Fault != "" {
		name = "unreadable" // whatever its damaged headers say
	}
	if group := g.groups[name]; group != nil {
		return group
	}
	if len(g.groups) >= maxGroups {
		name = "other " + hash(4, string(l.Dialect), l.Destination, l.Class, l.Code)
		if group := g.groups[name]; group != nil {
			return group
		}
	}
	group := &Group{
		Fingerprint: name, Statuses: make(map[Status]int), Dialect: l.Dialect,
		Destination: l.Destination, Stage: l.Stage, Class: l.Class, Code: l.Code, HTTPStatus: l.Status,
		Sample: Sample{
			ID: l.ID, Letter: l.At.String(), Message: l.Message, EventID: l.EventID, EventType: l.EventType, User: l.Lane,
		},
		Advice: Advice(l),
	}
	if l.Source.Known {
		group.Sample.Source = l.Source.String()
	}
	g.groups[name] = group
	return group
}

// List is the groups, the largest first.
func (g *Groups) List() []*Group {
	list := make([]*Group, 0, len(g.groups))
	for _, group := range g.groups {
		list = append(list, group)
	}
	slices.SortFunc(list, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return list
}
