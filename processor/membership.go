package processor

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/sink"
)

// membership knows whether we are a member of the group, and for how long the group still
// counts us in. A process that was paused, or whose network is dead, hears nothing when its
// partitions go to others. So it goes by the time since its last good heartbeat, and starts no
// call once that is longer than the session timeout.
//
// kgo shows each round trip but not what was answered. It sends the next heartbeat only
// after a good one, though, and the sync only after a good join: so a request is known
// to have been good when its successor has completed. An assignment ends a join.
// A heartbeat that is answered with a passing error is repeated, though, and looks like a
// successor: but there is a back-off before it, which is shorter than the pause between
// two heartbeats.
//
// It has its own lock, and calls nobody under it.
type membership struct {
	session time.Duration
	// longest is the longest back-off before a request is repeated.
	longest time.Duration

	mu       sync.Mutex
	good     time.Time     // when the latest request known to be good was sent
	last     time.Time     // when the latest request was sent; zero when it failed
	lastKey  int16         // its kind
	answered time.Time     // when it was answered
	doubtful bool          // it may have been a repetition
	repeated bool          // some request was to be repeated since
	renewed  chan struct{} // closed when good moves

	joined     bool      // the group has given us an assignment, maybe an empty one
	assignedAt time.Time // of the latest assignment
	mustRejoin bool      // the client holds partitions that it has to lose and get again
}

func newMembership(session time.Duration) *membership {
	return &membership{session: session, longest: heartbeatInterval(session) * 2 / 3, renewed: make(chan struct{})}
}

func heartbeatInterval(session time.Duration) time.Duration { return min(session/3, 3*time.Second) }

// firstBackoff is the pause before a request is repeated for the first time.
const firstBackoff = 250 * time.Millisecond

// backoff is for kgo.RetryBackoffFn: the pause before a request, of whatever kind, is
// made again after fails failures, doubled up to the longest, with jitter.
func (m *membership) backoff(fails int) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.repeated = true
	return sink.Policy{Initial: firstBackoff, Max: m.longest}.Delay(max(fails, 1), rand.Float64())
}

// successors are the requests that kgo makes only after a good one of the kind before.
var successors = map[[2]int16]bool{
	{int16(kmsg.JoinGroup), int16(kmsg.SyncGroup)}:                           true,
	{int16(kmsg.SyncGroup), int16(kmsg.Heartbeat)}:                           true,
	{int16(kmsg.Heartbeat), int16(kmsg.Heartbeat)}:                           true,
	{int16(kmsg.ConsumerGroupHeartbeat), int16(kmsg.ConsumerGroupHeartbeat)}: true,
}

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (m *membership) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch kmsg.Key(key) {
	case kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat:
	case kmsg.FindCoordinator: // the group's may have been refused by the one before
		m.last = time.Time{}
		return
	default:
		return
	}
	if e2e.Err() != nil {
		m.last = time.Time{}
		return
	}
	now := time.Now()
	sent := now.Add(-e2e.DurationE2E())
	// After many repetitions the client goes back to its pause, whatever the last one was
	// answered: so nothing shows that a repetition was good.
	plain := !m.repeated || sent.Sub(m.answered) > m.longest
	if successors[[2]int16{m.lastKey, key}] && plain && !m.doubtful {
		m.confirm()
	}
	m.doubtful = !plain
	m.last, m.lastKey, m.answered, m.repeated = sent, key, now, false
}

// OnGroupManageError implements kgo.HookGroupManageError: the latest request was not good.
func (m *membership) OnGroupManageError(error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = time.Time{}
}

// assigned takes in that an assignment came: the sync that brought it was good. A later
// heartbeat may have been refused, as they go on while a revoke holds the callback up. In the
// consumer protocol they all bring assignments: there the join is shown to be good by
// the heartbeat that follows it at once.
func (m *membership) assigned() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lastKey == int16(kmsg.SyncGroup) {
		m.confirm()
	}
}

// lost takes in that the group refused the latest request. In the consumer protocol the
// client joins again at once, and with a heartbeat: that is no successor.
func (m *membership) lost() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = time.Time{}
}

// hasJoined takes in that the partitions of an assignment are known. foreign reports whether the
// client keeps partitions that were given to a member of another name. It reports whether that
// is new.
func (m *membership) hasJoined(foreign bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.joined, m.assignedAt = true, time.Now()
	news := foreign && !m.mustRejoin
	m.mustRejoin = m.mustRejoin || foreign
	return news
}

// hasLeft takes in that the client holds no partition any more.
func (m *membership) hasLeft() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.joined, m.mustRejoin = false, false
}

// needsRejoin notes that the client has to lose what it holds.
func (m *membership) needsRejoin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mustRejoin = true
}

// rejoining reports whether the client has to lose what it holds, and whether the latest
// assignment is at least so old.
func (m *membership) rejoining(age time.Duration) (must, settled bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mustRejoin, time.Since(m.assignedAt) >= age
}

func (m *membership) isJoined() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.joined
}

func (m *membership) confirm() {
	if m.last.After(m.good) {
		m.good = m.last
		close(m.renewed)
		m.renewed = make(chan struct{})
	}
}

// await waits until the group counts us in. Its error is the cause of ctx.
func (m *membership) await(ctx context.Context) error {
	for {
		m.mu.Lock()
		counted, renewed := time.Since(m.good) <= m.session, m.renewed
		m.mu.Unlock()
		if counted {
			return nil
		}
		select {
		case <-renewed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
