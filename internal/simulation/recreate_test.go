//go:build synctests

package simulation

import (
	"encoding/base64"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/topics"
)

func (w *world) recreate(topic string, n int32) {
	if err := w.kafka.DeleteTopic(topic); err != nil {
		w.t.Errorf("deleting %s: %v", topic, err)
	}
	if err := w.kafka.CreateTopic(topic, n, nil); err != nil {
		w.t.Errorf("creating %s: %v", topic, err)
	}
}

// recreateSource kills all instances, deletes the source topic and creates it again. Others
// follow. That running instances end by themselves then is a test of the processor.
func (w *world) recreateSource() {
	list := w.working()
	for _, in := range list {
		in.kill()
	}
	w.broker.awaitEmptyGroup()
	stale := w.broker.offsets()
	w.producing <- struct{}{}
	w.recreate(sourceTopic, partitions)
	w.journal.mu.Lock()
	w.journal.era++
	w.journal.eras[topics.TopicID(w.kafka.TopicInfo(sourceTopic).TopicID)] = w.journal.era
	w.journal.mu.Unlock()
	w.producer = w.kafka.Client(w.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	<-w.producing
	for p, at := range stale { // as brokers keep them that know a topic by its name
		if w.journal.eraOfStored(at.Metadata) == w.journal.era-1 {
			w.broker.commit(p, at.Offset, at.Metadata)
		}
	}
	w.append(planned{Number: 2_000_000 + w.journal.era, Want: wantSkipped}) // something to read
	for range max(len(list), 1) {
		w.start()
	}
	w.journal.count(recreateSource, 1)
}

// eraOfCheckpoint is the era of the source topic that a checkpoint names, -1 for none of ours.
// j is locked.
func (j *journal) eraOfCheckpoint(checkpoint string) int {
	fields := strings.Split(checkpoint, " ")
	if len(fields) != 7 {
		return -1
	}
	var id topics.TopicID
	bytes, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil || copy(id[:], bytes) != len(id) {
		return -1
	}
	if era, known := j.eras[id]; known {
		return era
	}
	return -1
}

// eraOfStored is the same of what the group has committed.
func (j *journal) eraOfStored(checkpoint string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.eraOfCheckpoint(checkpoint)
}
