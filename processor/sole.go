package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What the group of a SoleMember is told. A member that was killed blocks the next one
// for the session, so it is short.
const (
	soleSession   = 10 * time.Second
	soleHeartbeat = time.Second
	// solePatience is how long a member that is there already may take to go.
	solePatience = soleSession + 5*time.Second
)

// ErrNotAlone is the error for a group that has another member.
var ErrNotAlone = errors.New("somebody else is in the group")

// SoleMember is the only member of a consumer group: a lock that Kafka keeps. It reads
// nothing and commits nothing.
type SoleMember struct {
	group  string
	client *kgo.Client
	member *membership
	joined chan struct{}
	lost   chan struct{}
}

// JoinAlone joins a group of the classic protocol that nobody is in. Two who try at
// the same time may both get ErrNotAlone; never do both get in, because each looks
// at the members once it is one itself. topic is any topic that may be read.
func JoinAlone(ctx context.Context, group, topic string, log *slog.Logger, opts ...kgo.Opt) (*SoleMember, error) {
	s := &SoleMember{group: group, member: newMembership(soleSession), joined: make(chan struct{}), lost: make(chan struct{})}
	client, err := kgo.NewClient(append(opts,
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), // a newcomer that leaves again takes nothing from us meanwhile
		kgo.SessionTimeout(soleSession), kgo.RebalanceTimeout(soleSession), kgo.HeartbeatInterval(soleHeartbeat),
		kgo.OnPartitionsAssigned(s.assigned), kgo.OnPartitionsRevoked(func(context.Context, *kgo.Client, map[string][]int32) {}),
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

// join is what begins the membership: kgo joins as soon as its client is made, so the
// look at who is there comes second, and a dead member is waited for as a member.
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
	until := time.Now().Add(solePatience)
	for told := false; ; told = true {
		others, err := s.others(bounded)
		if err != nil || len(others) == 0 {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("group %s: %w: %s", s.group, ErrNotAlone, strings.Join(others, ", "))
		}
		if !told {
			log.Warn("another member was in the group", "group", s.group, "others", others, "waiting", solePatience)
		}
		select {
		case <-time.After(soleHeartbeat):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
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

func (s *SoleMember) assigned(context.Context, *kgo.Client, map[string][]int32) {
	s.member.assigned()
	select {
	case <-s.joined:
	default:
		close(s.joined)
	}
}

func (s *SoleMember) taken(context.Context, *kgo.Client, map[string][]int32) {
	select {
	case <-s.lost:
	default:
		close(s.lost)
	}
}

// Lost is closed when the group has gone on without us.
func (s *SoleMember) Lost() <-chan struct{} { return s.lost }

// Await waits while the group may count us out: our last good heartbeat is older than
// the session. Its error is the cause of ctx.
func (s *SoleMember) Await(ctx context.Context) error { return s.member.await(ctx) }

// Leave gives the group up, so that the next one need not wait.
func (s *SoleMember) Leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	_ = s.client.LeaveGroupContext(ctx) // the session ends by itself otherwise
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.client.Close()
	}()
	select {
	case <-closed:
	case <-ctx.Done():
	}
}
