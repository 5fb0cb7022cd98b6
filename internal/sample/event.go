package sample

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// event is one event in the order in which RudderStack writes its members.
type event struct {
	Type              string         `json:"type"`
	MessageID         string         `json:"messageId"`
	Channel           string         `json:"channel"`
	UserID            string         `json:"userId,omitempty"`
	AnonymousID       string         `json:"anonymousId,omitempty"`
	PreviousID        string         `json:"previousId,omitempty"`
	GroupID           string         `json:"groupId,omitempty"`
	Event             string         `json:"event,omitempty"`
	Name              string         `json:"name,omitempty"`
	Properties        map[string]any `json:"properties,omitempty"`
	Traits            map[string]any `json:"traits,omitempty"`
	Context           map[string]any `json:"context"`
	Integrations      map[string]any `json:"integrations"`
	OriginalTimestamp string         `json:"originalTimestamp"`
	SentAt            string         `json:"sentAt"`
	ReceivedAt        string         `json:"receivedAt"`
	Timestamp         string         `json:"timestamp"`
	RequestIP         string         `json:"request_ip"`
}

// lane is what orders the event: the user id, else the anonymous id.
func (e event) lane() string {
	if e.UserID != "" {
		return e.UserID
	}
	return e.AnonymousID
}

// encode writes an event as senders do: & and < stand for themselves.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("sample: encoding an event: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

const timeFormat = "2006-01-02T15:04:05.000Z"

// event makes the next event of a person: visitors sign in by an identify, after
// which their events carry the user id.
func (g *Generator) event(p person) event {
	known := g.known[p.number]
	e := g.base(p, known)
	switch n := g.rng.IntN(100); {
	case n < 14 || !known && n < 30:
		g.known[p.number] = true
		g.identify(&e, p)
	case n < 38:
		g.page(&e)
	case n < 45:
		g.screen(&e)
	case n < 47 && known:
		e.Type, e.GroupID = "group", fmt.Sprintf("company-%03d", p.number%40)
		e.Traits = map[string]any{"name": pick(g.rng, companies), "plan": "business", "eventNo": Mark(g.n)}
	case n < 48 && known:
		e.Type, e.PreviousID = "alias", p.anonymous
	default:
		g.track(&e, known)
	}
	return e
}

func (g *Generator) base(p person, known bool) event {
	at := func(d time.Duration) string { return g.now.Add(d).Format(timeFormat) }
	e := event{
		MessageID: uuid(g.rng), Channel: "web", AnonymousID: p.anonymous,
		Context: g.context(p, known), Integrations: map[string]any{"All": true},
		OriginalTimestamp: at(-180 * time.Millisecond), SentAt: at(-120 * time.Millisecond),
		ReceivedAt: at(0), Timestamp: at(-60 * time.Millisecond),
		RequestIP: fmt.Sprintf("203.0.113.%d", p.number%250+1),
	}
	if known {
		e.UserID = p.id
	}
	if p.mobile {
		e.Channel = "mobile"
	}
	return e
}

func (g *Generator) context(p person, known bool) map[string]any {
	c := map[string]any{
		"library":   map[string]any{"name": "RudderLabs JavaScript SDK", "version": "3.24.1"},
		"locale":    p.locale,
		"timezone":  p.timezone,
		"userAgent": p.agent,
		"ip":        fmt.Sprintf("203.0.113.%d", p.number%250+1),
		"sessionId": 1767600000000 + int64(p.number)*1000 + int64(g.now.Sub(start)/(30*time.Minute)),
	}
	if p.mobile {
		c["library"] = map[string]any{"name": "rudder-android-library", "version": "4.2.0"}
		c["device"] = map[string]any{"manufacturer": "Fairphone", "model": "FP6", "type": "Android"}
		delete(c, "userAgent")
	} else {
		path := pick(g.rng, paths)
		c["page"] = map[string]any{
			"path": path, "url": shop + path, "title": "Lamplight & Oak", "referrer": "https://www.example.org/",
			"search": "", "initial_referrer": "$direct",
		}
	}
	if known {
		c["traits"] = map[string]any{"email": p.email, "phone": p.phone}
	}
	return c
}

func (g *Generator) identify(e *event, p person) {
	e.Type, e.UserID = "identify", p.id
	name := p.first + " " + p.last
	if g.cfg.MarkNames {
		name += " " + Mark(g.n)
	}
	e.Traits = map[string]any{
		"name": name, "firstName": p.first, "lastName": p.last, "email": p.email, "phone": p.phone,
		"createdAt": start.AddDate(0, 0, -p.number%700).Format(timeFormat),
		"address":   map[string]any{"street": fmt.Sprintf("Molenweg %d", p.number%180+1), "city": p.city, "country": p.country},
		"tags":      pick(g.rng, [][]string{{"newsletter"}, {"newsletter", "vip"}, {"outlet"}}),
		"logins":    g.n, "eventNo": Mark(g.n),
	}
	if g.rng.IntN(3) == 0 {
		e.Traits["customObject"] = map[string]any{"loyaltyPointsNum": g.rng.IntN(5000), "planStr": "gold"}
	}
}

func (g *Generator) page(e *event) {
	e.Type, e.Name = "page", pick(g.rng, pages)
	path := pick(g.rng, paths)
	e.Properties = map[string]any{
		"eventNo": Mark(g.n), "name": e.Name, "path": path, "url": shop + path, "title": e.Name + " | Lamplight & Oak",
		"referrer": "https://www.example.org/", "search": "", "scrollDepth": g.rng.IntN(101),
	}
}

func (g *Generator) screen(e *event) {
	e.Type, e.Name = "screen", pick(g.rng, pages)
	e.Properties = map[string]any{"eventNo": Mark(g.n), "name": e.Name, "orientation": "portrait", "fontScale": json.Number("1.15")}
}

// amount is a price with two digits behind the point, as a literal.
func amount(rng *rand.Rand) json.Number {
	return json.Number(fmt.Sprintf("%d.%02d", 3+rng.IntN(400), rng.IntN(100)))
}
