//go:build synctests

package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/sink/topics"
)

// broker is the cluster with the script's faults.
type broker struct {
	w       *world
	handles map[kind][]*kfake.FaultHandle
	forged  map[int32]int64 // ends of the responses partitions before the run
	elected int

	mu      sync.Mutex
	foreign bool // a foreign checkpoint was written
}

// brokerFaults says what each kind of fault answers to what.
var brokerFaults = []struct {
	kind  kind
	fault kfake.Fault
}{
	{produceError, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: responsesTopic, Err: kerr.NotEnoughReplicas}},
	{produceError, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: lettersTopic, Err: kerr.NotEnoughReplicas}},
	{produceLost, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: responsesTopic, Err: kerr.NotEnoughReplicasAfterAppend}},
	{produceDenied, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: responsesTopic, Err: kerr.TopicAuthorizationFailed}},
	{produceDenied, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: lettersTopic, Err: kerr.TopicAuthorizationFailed}},
	{fetchError, kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: sourceTopic, Err: kerr.NotLeaderForPartition}},
	{fetchError, kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: responsesTopic, Err: kerr.KafkaStorageError}},
	{commitError, kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.CoordinatorLoadInProgress}},
	{commitLost, kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.RequestTimedOut}},
	{heartbeatError, kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat, kmsg.JoinGroup}, Group: group, TopLevel: true, Err: kerr.CoordinatorLoadInProgress}},
	{memberFenced, kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat}, Group: group, TopLevel: true, Err: kerr.UnknownMemberID}},
	{metadataError, kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: responsesTopic, Err: kerr.LeaderNotAvailable}},
	{metadataError, kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: sourceTopic, Err: kerr.LeaderNotAvailable}},
	{listError, kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: responsesTopic, Err: kerr.NotLeaderForPartition}},
	{coordinatorMove, kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat, kmsg.JoinGroup, kmsg.OffsetCommit}, Group: group, TopLevel: true, Err: kerr.NotCoordinator}},
}

func newBroker(w *world) *broker {
	b := &broker{w: w, handles: make(map[kind][]*kfake.FaultHandle), forged: make(map[int32]int64)}
	for _, f := range brokerFaults {
		if !slices.ContainsFunc(w.script.Windows, func(win window) bool { return win.Kind == f.kind }) {
			continue
		}
		var asked atomic.Int64
		f.fault.Count = -1
		struck := func() bool {
			share := w.script.active(f.kind, w.journal.since())
			return share > 0 && share > w.desk.roll(string(f.kind), strconv.FormatInt(asked.Add(1), 10))
		}
		f.fault.When = func(kmsg.Request) bool { return struck() }
		if slices.Contains(f.fault.Keys, kmsg.OffsetCommit) {
			f.fault.When = wholly(struck)
		}
		b.handles[f.kind] = append(b.handles[f.kind], w.kafka.Fault(f.fault))
	}
	b.moveAtOffsetFetch()
	if w.script.Batches {
		b.giveSingleBatches()
	}
	return b
}

// giveSingleBatches has a fetch bring one batch of each partition of the source.
func (b *broker) giveSingleBatches() {
	b.w.kafka.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		b.w.kafka.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		for i := range req.Topics {
			t := &req.Topics[i]
			if t.Topic != sourceTopic && b.w.journal.eraOfTopic(t.TopicID) < 0 {
				continue
			}
			for j := range t.Partitions {
				t.Partitions[j].PartitionMaxBytes = 1
			}
		}
		return nil, nil, false
	})
}

// wholly strikes all partitions of a request or none, where kfake asks for each: Kafka's
// coordinator takes a commit or refuses it for what ails the group.
func wholly(struck func() bool) func(kmsg.Request) bool {
	var mu sync.Mutex
	var last kmsg.Request
	var verdict bool
	return func(req kmsg.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if req != last {
			last, verdict = req, struck()
		}
		return verdict
	}
}

// moveAtOffsetFetch is the fault of a moved coordinator where offsets are fetched. Kafka
// answers with one error for the group, kfake's faults would with one for each partition,
// which the client takes for an error of that partition that does not pass.
func (b *broker) moveAtOffsetFetch() {
	var asked atomic.Int64
	b.w.kafka.ControlKey(int16(kmsg.OffsetFetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		b.w.kafka.KeepControl()
		req := kreq.(*kmsg.OffsetFetchRequest)
		share := b.w.script.active(coordinatorMove, b.w.journal.since())
		if req.Version < 8 || share == 0 || share <= b.w.desk.roll("offset fetch", strconv.FormatInt(asked.Add(1), 10)) {
			return nil, nil, false
		}
		b.w.journal.count(coordinatorMove, 1)
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		for _, g := range req.Groups {
			answer := kmsg.NewOffsetFetchResponseGroup()
			answer.Group, answer.ErrorCode = g.Group, kerr.NotCoordinator.Code
			resp.Groups = append(resp.Groups, answer)
		}
		return resp, nil, true
	})
}

// counted adds what the faults have hit to the journal.
func (b *broker) counted() {
	for k, handles := range b.handles {
		for _, h := range handles {
			b.w.journal.count(k, h.Hits())
		}
	}
}

// checkpointRefused takes in that an instance did not use a checkpoint.
func (b *broker) checkpointRefused() {
	b.mu.Lock()
	foreign := b.foreign
	b.mu.Unlock()
	if foreign {
		b.w.journal.count(foreignCheckpoint, 1)
	}
}

// oldOutcomes is how many records of each partition an earlier life has outcomes of.
const oldOutcomes = 12

// oldValue is as much of such an outcome as is read: its record is older than all of ours.
const oldValue = `{"source":{"timestamp":"1999-12-01T00:00:00.000Z"}}`

// prepare writes what an earlier life of the topics left.
func (b *broker) prepare() {
	s := b.w.script
	for i := range s.Backlog {
		p := planned{Number: 3_000_000 + i, User: i, Partition: int32(i % partitions), Want: wantDelivered, Early: true}
		if i%8 == 1 {
			p.Ahead = time.Hour
		}
		b.w.append(p)
	}
	if s.Backlog > 0 {
		b.w.journal.count(latest, 1)
	}
	if !s.OldLife && !s.OldEpoch && !s.OldForm {
		return
	}
	ids, of := b.topicIDs(), topics.TopicID(b.w.kafka.TopicInfo(sourceTopic).TopicID)
	epoch := int32(0)
	switch {
	case s.OldLife:
		of = topics.TopicID{1, 2, 3}
		b.w.journal.count(oldLife, 1)
	case s.OldForm:
		of, ids.responses = topics.TopicID{}, kadm.TopicID{9}
		b.w.journal.count(oldForm, 1)
	default:
		epoch = 77
	}
	var records []*kgo.Record
	for p := range int32(partitions) {
		for offset := range oldOutcomes {
			records = append(records, &kgo.Record{Topic: responsesTopic, Partition: p % responsePartitions, Value: []byte(oldValue), Headers: []kgo.RecordHeader{
				{Key: "deskstream.group", Value: []byte(group)},
				{Key: "deskstream.source", Value: fmt.Appendf(nil, "%s/%d/%d", sourceTopic, p, offset)},
				{Key: "deskstream.source.epoch", Value: fmt.Append(nil, epoch)},
				{Key: "deskstream.source.topic_id", Value: []byte(of.String())},
				{Key: "deskstream.destination", Value: []byte("desk")},
				{Key: "deskstream.outcome", Value: []byte("delivered")},
				{Key: "deskstream.round", Value: []byte("0")},
			}})
		}
	}
	b.w.kafka.Produce(b.w.t, records...)
	b.forged = b.w.kafka.EndOffsets(b.w.t, responsesTopic)
	for p := range int32(partitions) {
		b.commit(p, 0, ids.checkpoint(0, 0))
	}
}

// topicIDs are those of a checkpoint.
type topicIDs struct {
	cluster           string
	source, responses kadm.TopicID
}

func (b *broker) topicIDs() topicIDs {
	return topicIDs{clusterID, b.w.kafka.TopicInfo(sourceTopic).TopicID, b.w.kafka.TopicInfo(responsesTopic).TopicID}
}

// checkpoint is a commit's metadata as the processor writes it.
func (ids topicIDs) checkpoint(committed, from int64) string {
	return fmt.Sprintf("2 %s %s %s %d %d %d", ids.cluster, ids.source, ids.responses, responsePartitions, committed, from)
}

// commit writes an offset as an operator's tool does, while the group is empty.
func (b *broker) commit(partition int32, offset int64, metadata string) {
	b.w.journal.committedOutside(partition, offset, metadata)
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: sourceTopic, Partition: partition, At: offset, LeaderEpoch: -1, Metadata: metadata})
	if err := b.w.kafka.Admin(b.w.t).CommitAllOffsets(b.w.t.Context(), group, offsets); err != nil {
		b.w.t.Logf("writing an offset from outside: %v", err)
	}
}

// offsets are the group's committed offsets.
func (b *broker) offsets() map[int32]kfake.GroupCommit {
	info := b.w.kafka.GroupInfo(group)
	if info == nil {
		return nil
	}
	return info.Commits[sourceTopic]
}

func (b *broker) awaitEmptyGroup() {
	for until := b.w.journal.since() + 4*session; b.w.journal.since() < until; time.Sleep(time.Second) {
		if info := b.w.kafka.GroupInfo(group); info == nil || len(info.Members) == 0 {
			return
		}
	}
}

// writeForeignCheckpoints replaces the checkpoints of all partitions, once the group is empty.
func (b *broker) writeForeignCheckpoints(choice float64) {
	b.awaitEmptyGroup()
	b.mu.Lock()
	b.foreign = true
	b.mu.Unlock()
	ids := b.topicIDs()
	for p, at := range b.offsets() {
		if b.w.journal.eraOfStored(at.Metadata) < b.w.journal.era {
			continue // it is of an earlier topic, which a checkpoint of ours would hide
		}
		end := b.w.kafka.PartitionInfo(responsesTopic, p%responsePartitions).HighWatermark
		text := []string{
			"kept by another program",
			topicIDs{"another", kadm.TopicID{9}, kadm.TopicID{8}}.checkpoint(at.Offset, end), // after a failover
			topicIDs{ids.cluster, ids.source, kadm.TopicID{9}}.checkpoint(at.Offset, end),
			ids.checkpoint(at.Offset+1, end),
			ids.checkpoint(at.Offset, end+1000),
		}[int(choice*5)]
		b.w.journal.permit(rewind{partition: p, from: at.Offset, below: -1})
		b.commit(p, at.Offset, text)
	}
}

// deleteOutcomes takes all outcomes of now away, as retention does.
func (b *broker) deleteOutcomes() {
	committed := b.offsets()
	for p := range int32(partitions) {
		at := b.w.kafka.PartitionInfo(responsesTopic, p%responsePartitions)
		b.w.journal.permit(rewind{partition: p, from: committed[p].Offset, below: at.HighWatermark})
	}
	for p := range int32(responsePartitions) {
		_ = b.w.kafka.DeleteRecords(responsesTopic, p, -1)
	}
}

// dropDead takes instances that are gone out of the group. kfake starts the session of a
// member with an answer that reaches it: one that goes away while it joins, and had no
// time to leave, is a member for ever. Kafka starts it with the join.
//
// With all, it takes out all members of a group that does not get stable; they come
// back. kfake begins the time of a rebalance again with each join: three members whose
// joins time out in turn never come together. Kafka's ends, with those who have joined.
func (b *broker) dropDead(all bool) {
	info := b.w.kafka.GroupInfo(group)
	if info == nil {
		return
	}
	gone := make(map[string]bool)
	b.w.mu.Lock()
	for _, in := range b.w.instances {
		gone[in.clientID()] = in.gone
	}
	b.w.mu.Unlock()
	for _, m := range info.Members {
		if !gone[m.ClientID] && (!all || info.State == "Stable") {
			continue
		}
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group = group
		member := kmsg.NewLeaveGroupRequestMember()
		member.MemberID = m.MemberID
		req.Members = append(req.Members, member)
		if _, err := req.RequestWith(b.w.t.Context(), b.w.producer); err != nil {
			b.w.t.Logf("taking a dead member out of its group: %v", err)
		}
	}
}

// electLeaders gives every source partition a new leader epoch. A record of that epoch
// follows at once: without one kfake answers a client that asks where the old epoch
// ended as if the partition had lost data, which Kafka does not.
func (b *broker) electLeaders() {
	for p := range int32(partitions) {
		b.elected++
		if err := b.w.kafka.MoveTopicPartition(sourceTopic, p, b.w.kafka.LeaderFor(sourceTopic, p)); err != nil {
			b.w.t.Errorf("moving a partition: %v", err)
		}
		b.w.append(planned{Partition: p, User: int(p), Number: 1_000_000 + b.elected, Want: wantSkipped})
	}
	b.w.journal.count(newLeader, 1)
}

func (j *journal) permit(r rewind) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r.stamp, r.era, r.ledger = j.now(), j.era, len(j.born)-1
	j.rewinds = append(j.rewinds, &r)
}
