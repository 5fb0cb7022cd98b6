package console

import (
	"time"

	"github.com/deskstream/deskstream/internal/status"
)

// point is what was known of a destination at one moment, and since the moment before.
type point struct {
	at time.Time
	// known reports whether Kafka has said how far the destination is, and rated whether it had
	// before, so that there are rates.
	known, rated bool
	lag          int64
	in, out      float64 // records a second
	// running reports whether a pipeline runs here: what follows is of this instance.
	running bool
	dead    int64   // events that died since the point before
	budget  float64 // the part of the rate budget that was used, 0 without one
	held    bool
}

// samplePair is two samples of Kafka: the same one where there is one only, nil where there is none.
type samplePair struct{ older, newer *status.Sample }

// pointOf is the newest point of a destination.
func pointOf(destination string, at time.Time, kafka samplePair, p *status.Pipeline) point {
	n := point{at: at}
	if kafka.newer != nil {
		r := status.Between(*kafka.older, *kafka.newer, destination)
		n.known, n.rated = r.Err == nil, r.Err == nil && kafka.older != kafka.newer
		n.lag, n.in, n.out = r.Lag, r.In, r.Out
	}
	if p != nil {
		n.running, n.held = true, p.Hold != ""
		if p.Budget.Calls > 0 {
			n.budget = float64(p.Budget.Used) / p.Budget.Calls
		}
	}
	return n
}

// points are those of the last hour by destination.
type points struct {
	of   map[string][]point
	dead map[string]int64 // events that had died at the newest point
}

// take adds a point of each destination.
func (p *points) take(at time.Time, names []string, kafka samplePair, running []status.Pipeline) {
	if p.of == nil {
		p.of, p.dead = make(map[string][]point), make(map[string]int64)
	}
	byName := map[string]*status.Pipeline{}
	for i := range running {
		byName[running[i].Destination] = &running[i]
	}
	kept := make(map[string][]point, len(names)) // not those that a new configuration has lost
	for _, name := range names {
		n := pointOf(name, at, kafka, byName[name])
		if pipeline := byName[name]; pipeline != nil {
			if before, ok := p.dead[name]; ok {
				n.dead = max(pipeline.Dead-before, 0)
			}
			p.dead[name] = pipeline.Dead
		}
		list := append(p.of[name], n)
		for at.Sub(list[0].at) > keepFor {
			list = list[1:]
		}
		kept[name] = list
	}
	p.of = kept
}

// minutes are the points of a destination by minute: the last hour, the oldest first. A minute without
// a point is zero.
func (p *points) minutes(destination string, now time.Time) (list [60]minute) {
	for _, n := range p.of[destination] {
		i := len(list) - 1 - int(now.Sub(n.at)/time.Minute)
		if i < 0 || i >= len(list) {
			continue
		}
		list[i].add(n)
	}
	return list
}

// minute is what was known of a destination in one minute.
type minute struct {
	known, rated, running int // points
	lag                   int64
	in, out               float64
	dead                  int64
	budget                float64
	held                  bool
}

func (m *minute) add(n point) {
	if n.known {
		m.known++
		m.lag = max(m.lag, n.lag)
	}
	if n.rated {
		m.in = (m.in*float64(m.rated) + n.in) / float64(m.rated+1)
		m.out = (m.out*float64(m.rated) + n.out) / float64(m.rated+1)
		m.rated++
	}
	if n.running {
		m.running++
		m.dead += n.dead
		m.budget = max(m.budget, n.budget)
		m.held = m.held || n.held
	}
}
