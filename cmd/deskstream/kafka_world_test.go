//go:build kafka

package main

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// endShared ends what the tests of this package share.
func endShared() { kafkatest.EndSharedApache() }

// real gives a world Apache Kafka and topics of its own there.
func real(t *testing.T, o worldOptions) worldOptions {
	t.Helper()
	return on(t, kafkatest.SharedApache(t), o)
}

// on is real with a cluster.
func on(t *testing.T, a *kafkatest.Apache, o worldOptions) worldOptions {
	t.Helper()
	o = onEmpty(a, o)
	a.CreateTopic(t, o.prefix+eventsTopic, o.sources)
	a.CreateTopic(t, o.prefix+responsesTopic, o.others, largeMessages...)
	a.CreateTopic(t, o.prefix+lettersTopic, o.others, largeMessages...)
	return o
}

// onEmpty is on without the topics.
func onEmpty(a *kafkatest.Apache, o worldOptions) worldOptions {
	if o.sources == 0 {
		o.sources, o.others = 12, 5
	}
	o.kafka, o.prefix = a.Cluster, kafkatest.Unique()
	// Brokers and help desks that share a small machine do not always answer in a few seconds,
	// and who gets no answer may call again.
	o.session, o.drain, o.timeout = kafkatest.SessionTimeout, 12*time.Second, 10*time.Second
	return o
}

// setTopic changes settings of a topic, which are pairs of a name and a value.
func (w *world) setTopic(name string, settings ...string) {
	w.t.Helper()
	var changes []kadm.AlterConfig
	for i := 0; i+1 < len(settings); i += 2 {
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: settings[i], Value: &settings[i+1]})
	}
	changed, err := w.Admin(w.t).AlterTopicConfigs(w.t.Context(), changes, w.topic(name))
	if err == nil {
		_, err = changed.On(w.topic(name), func(r *kadm.AlterConfigsResponse) error { return r.Err })
	}
	if err != nil {
		w.t.Fatalf("changing the settings of %s: %v", name, err)
	}
}

// deleteRecords deletes the records of partition 0 of a topic up to an offset.
func (w *world) deleteRecords(name string, to int64) {
	w.t.Helper()
	offsets := make(kadm.Offsets)
	offsets.AddOffset(w.topic(name), 0, to, -1)
	deleted, err := w.Admin(w.t).DeleteRecords(w.t.Context(), offsets)
	if err = errors.Join(err, deleted.Error()); err != nil {
		w.t.Fatalf("deleting records of %s: %v", name, err)
	}
}

// remake deletes a topic and makes it anew.
func (w *world) remake(name string, partitions int32, settings map[string]*string) {
	w.t.Helper()
	admin := w.Admin(w.t)
	if _, err := admin.DeleteTopic(w.t.Context(), w.topic(name)); err != nil {
		w.t.Fatalf("deleting %s: %v", name, err)
	}
	await(w.t, "the topic to be made anew", func() bool {
		_, err := admin.CreateTopic(w.t.Context(), partitions, -1, settings, w.topic(name))
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			w.t.Fatalf("making %s anew: %v", name, err)
		}
		return err == nil
	})
}

// commit commits offsets for a group as an operator does: with metadata of any kind and
// without being a member.
func (w *world) commit(destination, metadata string, at map[int32]int64) {
	w.t.Helper()
	offsets := make(kadm.Offsets)
	for id, offset := range at {
		offsets.Add(kadm.Offset{Topic: w.topic(eventsTopic), Partition: id, At: offset, LeaderEpoch: -1, Metadata: metadata})
	}
	// A group is empty a moment after its last member said that it leaves.
	await(w.t, "the group to be empty", func() bool {
		err := w.Admin(w.t).CommitAllOffsets(w.t.Context(), w.group(destination), offsets)
		if err != nil && !errors.Is(err, kerr.UnknownMemberID) && !errors.Is(err, kerr.RebalanceInProgress) {
			w.t.Fatalf("committing for %s: %v", destination, err)
		}
		return err == nil
	})
}

// timesWritten is how often each event was written at a destination: of several
// calls that it causes, the one that was made most often counts.
func (w *world) timesWritten(destination string) map[string]int {
	type write struct{ op, mark string }
	times, most := make(map[write]int), make(map[string]int)
	for _, c := range w.writes() {
		if c.Destination == destination {
			key := write{c.Op, c.Mark}
			times[key]++
			most[c.Mark] = max(most[c.Mark], times[key])
		}
	}
	return most
}
