//go:build kafka

package main

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

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
