package processor

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// exclusive is a group balancer that gives all partitions to one member: the one that has
// them, as long as it is there, else the one with the lowest id. So a group that uses it
// is a lock, and of several members that come at once exactly one gets it.
type exclusive struct{ kgo.GroupBalancer }

func newExclusive() kgo.GroupBalancer { return exclusive{kgo.CooperativeStickyBalancer()} }

// ProtocolName implements kgo.GroupBalancer.
func (exclusive) ProtocolName() string { return "deskstream-exclusive" }

// MemberBalancer implements kgo.GroupBalancer.
func (e exclusive) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	b, err := kgo.NewConsumerBalancer(e, members)
	return b, b.MemberTopics(), err
}

// Balance implements kgo.ConsumerBalancerBalance.
func (exclusive) Balance(b *kgo.ConsumerBalancer, topics map[string]int32) kgo.IntoSyncAssignment {
	var owner *kmsg.JoinGroupResponseMember
	var since int32
	b.EachMember(func(m *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		owned := int32(-1) // in no generation
		if len(meta.OwnedPartitions) > 0 {
			owned = meta.Generation
		}
		// A member that was removed and comes back may still name what it had. What was
		// given in a later generation is the truth: KIP-792.
		if owner == nil || owned > since || owned == since && strings.Compare(m.MemberID, owner.MemberID) < 0 {
			owner, since = m, owned
		}
	})
	plan := b.NewPlan()
	for topic, n := range topics {
		for partition := range n {
			plan.AddPartition(owner, topic, partition)
		}
	}
	plan.AdjustCooperative(b)
	return plan
}
