package processor

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// recheck is the time between two looks at whether the client reads what is ours.
const recheck = 10 * time.Second

// memberLeave is the epoch with which a member of the consumer protocol leaves.
const memberLeave = -1

// memberID is the group's name for this member at this moment, "" for none.
func (p *Processor) memberID() string {
	id, _ := p.kafka.group.GroupMetadata()
	return id
}

// awaitHeld waits while no call of a partition may begin that the group gave to holder.
// A join that reaches the group after the member was removed from it is repeated by the
// client as a new member, which does not show that the partitions were lost meanwhile:
// only the member's other name does. The end of ctx comes with the callback.
func (p *Processor) awaitHeld(ctx context.Context, holder string) error {
	if err := p.member.await(ctx); err != nil {
		return err
	}
	if p.memberID() == holder {
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// ofMember leaves in a commit what was given to the member that commits: others may have
// committed for the rest, and further.
func ofMember(req *kmsg.OffsetCommitRequest, holders map[topicPartition]string) {
	for i := range req.Topics {
		t := &req.Topics[i]
		t.Partitions = slices.DeleteFunc(t.Partitions, func(at kmsg.OffsetCommitRequestTopicPartition) bool {
			return holders[topicPartition{t.Topic, at.Partition}] != req.MemberID
		})
	}
	req.Topics = slices.DeleteFunc(req.Topics, func(t kmsg.OffsetCommitRequestTopic) bool { return len(t.Partitions) == 0 })
}

// watchAssignment has the member leave and join again when the client would leave
// partitions unread that are ours, or read them from where others have gone on since.
func (p *Processor) watchAssignment(ctx context.Context) error {
	ticker := time.NewTicker(recheck)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if p.mustRejoin(ctx) {
			p.rejoin(ctx)
		}
	}
}

// mustRejoin reports whether the client keeps partitions that were given to it under another
// name, which it reads on from where it was although others may have had them in between, or
// leaves some unread. In the middle of a rebalance it would join as a new member once more.
func (p *Processor) mustRejoin(ctx context.Context) bool {
	foreign, settled := p.member.rejoining(recheck)
	switch {
	case !settled:
		return false
	case foreign:
		return true
	}
	unknown := p.book.offsetsUnknown()
	return len(unknown) > 0 && p.offsetsKnown(ctx, unknown)
}

// offsetsKnown reports whether the group gives the offsets of the partitions by now.
func (p *Processor) offsetsKnown(ctx context.Context, parts map[string][]int32) bool {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	req := kmsg.NewPtrOffsetFetchRequest()
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = p.cfg.Group
	for topic, ids := range parts {
		t := kmsg.NewOffsetFetchRequestGroupTopic()
		t.Topic, t.Partitions = topic, ids
		group.Topics = append(group.Topics, t)
	}
	req.Groups = append(req.Groups, group)
	resp, err := req.RequestWith(ctx, p.kafka.group)
	if err != nil || kerr.ErrorForCode(resp.ErrorCode) != nil {
		return false
	}
	for _, g := range resp.Groups {
		if g.ErrorCode != 0 {
			return false
		}
		for _, t := range g.Topics {
			if slices.ContainsFunc(t.Partitions, func(at kmsg.OffsetFetchResponseGroupTopicPartition) bool { return at.ErrorCode != 0 }) {
				return false
			}
		}
	}
	return true
}

// rejoin releases everything in good order and leaves the group without the client's knowledge.
// The client learns of it with its next heartbeat, and joins as a new member that is given
// all offsets: it offers no other way to get those of a partition that it has already.
func (p *Processor) rejoin(ctx context.Context) {
	p.log.Warn("leaving the group to join it again, some partitions could not be read on", "group", p.cfg.Group)
	p.release(p.book.all())
	p.member.needsRejoin() // until the client has lost what it holds
	bounded, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if err := p.quit(bounded); err != nil && ctx.Err() == nil {
		p.log.Warn("leaving the group failed, trying again", "group", p.cfg.Group, "err", err)
	}
}

// quit has the group remove this member.
func (p *Processor) quit(ctx context.Context) error {
	var instance *string
	if p.cfg.InstanceID != "" {
		instance = &p.cfg.InstanceID
	}
	if p.cfg.Protocol == Consumer {
		return p.beatOnce(ctx, p.memberID(), memberLeave, instance)
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = p.cfg.Group, p.memberID()
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID, member.InstanceID = req.MemberID, instance
	req.Members = append(req.Members, member)
	resp, err := req.RequestWith(ctx, p.kafka.group)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

// beatOnce sends one heartbeat of the consumer protocol, as which its members leave.
func (p *Processor) beatOnce(ctx context.Context, member string, epoch int32, instance *string) error {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch, req.InstanceID = p.cfg.Group, member, epoch, instance
	resp, err := req.RequestWith(ctx, p.kafka.group)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}
