package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The settings of a SoleMember's group. A member that was killed blocks the next one
// for the session, so it is short.
const (
	soleSession   = 10 * time.Second
	soleHeartbeat = time.Second
	// solePatience is how long a member that is there already may take to go.
	solePatience = soleSession + 5*time.Second
)

// ErrNotAlone is the error for a group whose lock another member has.
var ErrNotAlone = errors.New("another member has the lock of the group")

// SoleMember has the lock that a consumer group is: all partitions are given to one
// member. It reads nothing and commits nothing.
type SoleMember struct {
	group   string
	client  *kgo.Client
	member  *membership
	joined  chan struct{} // closed when the group has let us in, with the lock or without
	locked  chan struct{} // closed when we have the lock
	lost    chan struct{}
	leaving atomic.Bool
}

// JoinAlone joins a group of the classic protocol and returns when it has the lock. Of
// several that try at the same time one gets it; the others get ErrNotAlone after 15
// seconds. topic is any topic that may be read.
func JoinAlone(ctx context.Context, group, topic string, log *slog.Logger, opts ...kgo.Opt) (*SoleMember, error) {
	s := &SoleMember{
		group: group, member: newMembership(soleSession),
		joined: make(chan struct{}), locked: make(chan struct{}), lost: make(chan struct{}),
	}
	client, err := kgo.NewClient(append(opts,
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(), kgo.Balancers(newExclusive()),
		kgo.SessionTimeout(soleSession), kgo.RebalanceTimeout(soleSession), kgo.HeartbeatInterval(soleHeartbeat),
		kgo.OnPartitionsAssigned(s.assigned), kgo.OnPartitionsRevoked(s.revoked),
		kgo.OnPartitionsLost(s.taken), kgo.WithHooks(s.member))...)
	if err != nil {
		return nil, fmt.Errorf("making a client of group %s: %w", group, err)
	}
	s.client = client
	if err := s.join(ctx, topic, log); err != nil {
		s.Leave()
		return nil, err
	}
	return s, nil
}

// join waits for the lock. A dead member keeps it for its session.
func (s *SoleMember) join(ctx context.Context, topic string, log *slog.Logger) error {
	s.client.PauseFetchTopics(topic)
	bounded, cancel := context.WithTimeout(ctx, solePatience+soleSession)
	defer cancel()
	select {
	case <-s.joined:
	case <-bounded.Done():
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("joining group %s: its coordinator did not let us in within %v", s.group, solePatience+soleSession)
	}
	select {
	case <-s.locked:
		return nil
	default:
	}
	others, err := s.others(bounded)
	if err != nil {
		return err
	}
	log.Warn("another member has the lock of the group, waiting", "group", s.group, "others", others, "at_most", solePatience)
	select {
	case <-s.locked:
		return nil
	case <-time.After(solePatience):
		return fmt.Errorf("group %s: %w: %s", s.group, ErrNotAlone, strings.Join(others, ", "))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// others are the members of the group besides us, as texts for people.
func (s *SoleMember) others(ctx context.Context) ([]string, error) {
	groups, err := kadm.NewClient(s.client).DescribeGroups(ctx, s.group)
	if err != nil {
		return nil, fmt.Errorf("describing group %s: %w", s.group, err)
	}
	group := groups[s.group]
	if group.Err != nil && !errors.Is(group.Err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("describing group %s: %w", s.group, group.Err)
	}
	own, _ := s.client.GroupMetadata()
	var others []string
	for _, m := range group.Members {
		if m.MemberID != own {
			others = append(others, fmt.Sprintf("%s at %s", m.ClientID, m.ClientHost))
		}
	}
	slices.Sort(others)
	return others, nil
}

func (s *SoleMember) assigned(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	s.member.assigned()
	closeOnce(s.joined)
	if len(partitions) > 0 {
		closeOnce(s.locked)
	}
}

// revoked is called when the lock goes to another member, and when we leave.
func (s *SoleMember) revoked(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	if len(partitions) > 0 && !s.leaving.Load() {
		closeOnce(s.lost)
	}
}

func (s *SoleMember) taken(context.Context, *kgo.Client, map[string][]int32) { closeOnce(s.lost) }

// closeOnce closes a channel that only the group's callbacks close, one at a time.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// Lost is closed when the group has gone on without us.
func (s *SoleMember) Lost() <-chan struct{} { return s.lost }

// Await waits while the group may count us out: our last good heartbeat is older than
// the session. Its error is the cause of ctx.
func (s *SoleMember) Await(ctx context.Context) error { return s.member.await(ctx) }

// Leave leaves the group, so that the next one need not wait.
func (s *SoleMember) Leave() {
	s.leaving.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	_ = s.client.LeaveGroupContext(ctx) // the session ends anyway
	s.client.Close()
}
