package sample

import (
	"math/rand/v2"
	"time"
)

// Config says what is generated.
type Config struct {
	// Seed makes the sequence repeatable.
	Seed uint64
	// Users is how many people there are. Default 1,000.
	Users int
	// Uniform lets all people be equally active. Default: by a Zipf law, few people
	// cause most events.
	Uniform bool
	// OddShare is the share of events, 0 to 1, that are odd or invalid. Default 0.
	OddShare float64
	// After is how many events came before: numbers, marks and times go on from there.
	// Default 0.
	After int
	// MarkNames puts the event's mark into the name of an identify as well, the only
	// text of one that reaches both help desks. Default: names are plain.
	MarkNames bool
}

// Record is one record of the source topic.
type Record struct {
	// Key is the Kafka key, usually the user's id.
	Key []byte
	// Value is the event; nil is a tombstone.
	Value []byte
	// Kind is the event's type, or "odd:" and what is odd about it.
	Kind string
	// Mark is the event's mark. An odd event may be too broken to show it.
	Mark string
	// Time is the event's time: that of its Kafka record too.
	Time time.Time
}

// start is the time of the first event.
var start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

// meanPause is the time between two events, on average.
const meanPause = 200 * time.Millisecond

// Generator gives events one after another. It is not safe for concurrent use.
type Generator struct {
	cfg  Config
	rng  *rand.Rand
	zipf *rand.Zipf
	// known tells which people have signed in; the others are anonymous visitors.
	known []bool
	n     int
	now   time.Time
}

// New makes a Generator.
func New(cfg Config) *Generator {
	if cfg.Users <= 0 {
		cfg.Users = 1000
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.After)))
	return &Generator{
		cfg: cfg, rng: rng, known: make([]bool, cfg.Users), n: cfg.After,
		now:  start.Add(time.Duration(cfg.After) * meanPause),
		zipf: rand.NewZipf(rng, 1.2, 8, uint64(cfg.Users-1)),
	}
}

// Next gives the next event.
func (g *Generator) Next() Record {
	g.n++
	g.now = g.now.Add(time.Duration(g.rng.Int64N(int64(2 * meanPause))))
	p := g.person()
	e := g.event(p)
	r := Record{Key: []byte(e.lane()), Kind: e.Type, Mark: Mark(g.n), Time: g.now}
	if g.rng.Float64() < g.cfg.OddShare {
		return g.odd(r, e)
	}
	r.Value = encode(e)
	return r
}

// person picks who acts.
func (g *Generator) person() person {
	i := g.rng.IntN(g.cfg.Users)
	if !g.cfg.Uniform {
		i = int(g.zipf.Uint64())
	}
	return newPerson(g.cfg.Seed, i)
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }
