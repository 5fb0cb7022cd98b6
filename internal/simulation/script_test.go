//go:build synctests

package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// want is what may become of a record.
type want string

const (
	wantDelivered want = "delivered"
	wantSkipped   want = "skipped"
	wantInvalid   want = "invalid"   // dead before any call
	wantRefused   want = "refused"   // the help desk answers 400
	wantPoison    want = "poison"    // the help desk answers 500 until the faults end
	wantForbidden want = "forbidden" // the help desk answers 403 until the faults end
)

// planned is a record that the script produces.
type planned struct {
	At        time.Duration
	Partition int32
	User      int
	Number    int // of its mark
	Identify  bool
	Want      want
	Early     bool          // written before the group begins at the latest record
	Ahead     time.Duration // of the clock, as its producer has it
	Aborted   bool          // in a transaction that is aborted
	Committed bool          // in one that is committed
	Repeats   bool          // it has the message id of an earlier record
	Of        int           // the number of that record
}

func (p planned) user() string { return fmt.Sprintf("user%02d", p.User) }

// window is a time in which a kind of fault strikes a share of what it is about.
type window struct {
	Kind     kind
	From, To time.Duration
	Share    float64
}

// step is something that happens to an instance, or to the cluster, once.
type step struct {
	At   time.Duration
	Kind kind
	For  time.Duration
}

// script is all that is decided before a run.
type script struct {
	Seed      uint64
	Desk      string // trengo or kustomer
	Consumer  bool   // the consumer group protocol instead of the classic one
	ByName    bool   // the broker takes commits by a topic's name, as Kafka 3.9 does
	Instances int
	Users     int
	Records   []planned
	Windows   []window
	Steps     []step
	Until     time.Duration // no fault after that

	InFlight       int
	LimitRecords   int
	LimitSpan      int64
	LimitBytes     int64
	CommitInterval time.Duration
	MaxElapsed     time.Duration
	UnknownIsDead  bool // else it is looked for
	BreakerOf      int
	Latency        time.Duration
	Limit          int // calls per minute that the help desk takes, 0 for more than there are
	// OldLife puts outcomes of another source topic of the same name before the group begins,
	// with our checkpoint; OldEpoch the same with another leader epoch.
	OldLife, OldEpoch bool
	// OldForm puts such outcomes there without ids, as releases wrote them that had none, with a
	// checkpoint that names another responses topic.
	OldForm bool
	// Dedup is for how long repeats of a message id are known, 0 where all of them pass.
	Dedup time.Duration
	// Backlog is how many records are there before the group begins, at the latest one.
	Backlog int
	Gateway stub.Gateway // of windows of gatewayAnswers
	// Coalesce has identifies go out together. See drawGroups.
	Coalesce bool
	// Batches has a fetch bring one batch of a partition, which is one record, as a busy broker may.
	Batches bool
	// Priorities says how urgent events are, nil: all alike. See drawnPriorities.
	Priorities processor.Priorities
}

const (
	partitions         = 4
	responsePartitions = 3
	letterPartitions   = 2
)

// draw makes the script of a seed.
func draw(seed uint64) *script {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	s := &script{
		Seed: seed, Desk: pick(r, "trengo", "kustomer"), Consumer: r.IntN(3) == 0,
		Instances: 1 + r.IntN(3), Users: 6 + r.IntN(15), Until: time.Duration(120+r.IntN(120)) * time.Second,
		InFlight: pick(r, 4, 8, 32), LimitRecords: pick(r, 1000, 1000, 60), LimitSpan: pick[int64](r, 10_000, 10_000, 40), LimitBytes: 1 << 20,
		CommitInterval: pick(r, time.Second, 5*time.Second, 30*time.Second),
		MaxElapsed:     pick(r, 10*time.Second, 30*time.Second, 2*time.Minute),
		UnknownIsDead:  r.IntN(5) == 0, BreakerOf: 20,
		Latency: pick(r, 20*time.Millisecond, 200*time.Millisecond, time.Second),
	}
	switch r.IntN(5) {
	case 0:
		s.OldLife = true
	case 1:
		s.OldEpoch = true
	case 2:
		s.OldForm = true
	case 3:
		s.Backlog = 1 + r.IntN(30)
	}
	s.ByName = !s.Consumer && r.IntN(2) == 0
	s.drawRecords(r)
	s.drawWindows(r)
	s.drawSteps(r)
	s.drawGroups()
	s.drawRepeats(r)
	if r.IntN(2) == 0 { // the last draw, so that the scripts of seeds stay what they were
		s.Priorities = drawnPriorities{}
	}
	return s
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}

func (s *script) drawRecords(r *rand.Rand) {
	n := 100 + r.IntN(120)
	poisoned, transactions := r.IntN(3) == 0, r.IntN(3) == 0
	for i := range n {
		// A third of the users writes two thirds of the events.
		user := r.IntN(s.Users)
		if r.IntN(2) == 0 {
			user %= (s.Users + 2) / 3
		}
		p := planned{
			At: between(r, 0, s.Until*3/4), User: user, Number: i, Partition: int32(user % partitions),
			Identify: r.IntN(4) == 0, Want: wantDelivered,
		}
		switch roll := r.IntN(100); {
		case roll < 4:
			p.Want = wantInvalid
		case roll < 8:
			p.Want = wantSkipped
		case roll < 11:
			p.Want = wantRefused
		case roll < 14 && poisoned:
			p.Want = pick(r, wantPoison, wantForbidden)
		}
		if transactions && r.IntN(8) == 0 {
			p.Committed = r.IntN(2) == 0
			p.Aborted = !p.Committed
		}
		s.Records = append(s.Records, p)
	}
	slices.SortStableFunc(s.Records, func(a, b planned) int { return int(a.At - b.At) })
}

// drawGroups has every other script join identifies: few users, who write many of them at once. Its
// draws are its own, so that the other scripts are what they were.
func (s *script) drawGroups() {
	r := rand.New(rand.NewPCG(s.Seed, 0x601e5ce))
	if s.Coalesce = r.IntN(2) == 0; !s.Coalesce {
		return
	}
	s.Batches = r.IntN(2) == 0
	s.Users = min(s.Users, 4+r.IntN(4))
	for i := range s.Records {
		p := &s.Records[i]
		p.User %= s.Users
		p.Partition = int32(p.User % partitions)
		if r.IntN(3) > 0 {
			p.At = p.At.Truncate(15 * time.Second)
		}
		p.Identify = p.Identify || r.IntN(3) > 0
	}
	slices.SortStableFunc(s.Records, func(a, b planned) int { return int(a.At - b.At) })
}

func (s *script) drawWindows(r *rand.Rand) {
	for n := 2 + r.IntN(8); n > 0; n-- {
		k := pick(r, windowKinds...)
		w := window{Kind: k, From: between(r, 0, s.Until*4/5), Share: pick(r, 0.1, 0.3, 0.7, 1)}
		w.To = min(w.From+between(r, 3*time.Second, 40*time.Second), s.Until)
		if k.ofKafka() {
			// A request in ten has to get through, or a run is over before it began.
			w.Share = min(w.Share, 0.7)
		}
		s.Windows = append(s.Windows, w)
	}
}

func (s *script) drawSteps(r *rand.Rand) {
	for n := r.IntN(9); n > 0; n-- {
		st := step{At: between(r, 5*time.Second, s.Until), Kind: pick(r, stepKinds...)}
		switch st.Kind {
		case freeze:
			st.For = between(r, session/2, 3*session)
		case recreateSource, recreateStopped, recreateResponses, recreateLetters, recreateStates:
			st.For = pick(r, 0, between(r, 0, 30*time.Second)) // until it is created again
		default:
		}
		s.Steps = append(s.Steps, st)
	}
	slices.SortStableFunc(s.Steps, func(a, b step) int { return int(a.At - b.At) })
}

// drawRepeats has some records repeat the message id of an earlier one, mostly of their partition.
func (s *script) drawRepeats(r *rand.Rand) {
	if r.IntN(3) > 0 {
		return
	}
	s.Dedup = pick(r, 20*time.Second, 2*time.Minute, time.Hour)
	for i := range s.Records {
		if i == 0 || r.IntN(5) > 0 {
			continue
		}
		p, of := &s.Records[i], s.Records[r.IntN(i)]
		for range 8 {
			if of.Partition == p.Partition {
				break
			}
			of = s.Records[max(0, i-1-r.IntN(20))]
		}
		p.Repeats, p.Of = true, of.message()
	}
}

// message is the number in the record's message id.
func (p planned) message() int {
	if p.Repeats {
		return p.Of
	}
	return p.Number
}

// active is the share that the windows of a kind have at a moment.
func (s *script) active(k kind, at time.Duration) float64 {
	share := 0.0
	for _, w := range s.Windows {
		if w.Kind == k && w.From <= at && at < w.To {
			share = max(share, w.Share)
		}
	}
	return share
}

// String is the script for people.
func (s *script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s, consumer protocol %v, commits by name %v, %d instances, %d users, %d records, faults until %v\n",
		s.Seed, s.Desk, s.Consumer, s.ByName, s.Instances, s.Users, len(s.Records), s.Until)
	fmt.Fprintf(&b, "  in flight %d, limits %d records %d span, commit every %v, budget of an event %v, unknown is dead %v, latency %v, old life %v, old epoch %v, old form %v, backlog %d, repeats known for %v, priorities %v, coalesce %v, single batches %v\n",
		s.InFlight, s.LimitRecords, s.LimitSpan, s.CommitInterval, s.MaxElapsed, s.UnknownIsDead, s.Latency, s.OldLife, s.OldEpoch, s.OldForm, s.Backlog, s.Dedup, s.Priorities != nil, s.Coalesce, s.Batches)
	for _, w := range s.Windows {
		fmt.Fprintf(&b, "  %8v to %8v  %s, share %v\n", w.From.Round(time.Millisecond), w.To.Round(time.Millisecond), w.Kind, w.Share)
	}
	for _, st := range s.Steps {
		fmt.Fprintf(&b, "  %8v  %s %v\n", st.At.Round(time.Millisecond), st.Kind, st.For.Round(time.Millisecond))
	}
	return b.String()
}

// unknown is what becomes of writes without a usable answer.
func (s *script) unknown() sink.Unknowns {
	if s.UnknownIsDead {
		return sink.UnknownDies
	}
	return sink.UnknownProbed
}
