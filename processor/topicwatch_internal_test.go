package processor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/deskstream/deskstream/sink/topics"
)

// The partitions move to the new topic before its id is known as the present one. A claim that
// began between the two would keep positions of the old topic.
func TestTopicWatch_noClaimBeginsWhileATopicIsAdopted(t *testing.T) {
	const responses = "events.responses"
	w := newTopicWatch(&Config{Writer: topics.Config{Responses: responses}})
	before, after := map[string]kadm.TopicID{responses: {1}}, map[string]kadm.TopicID{responses: {2}}
	if err := w.rememberTopics(survey{written: before}); err != nil || !w.areThose(before) {
		t.Fatalf("a claim does not begin with the topic that it found: %v", err)
	}
	w.change(responses)
	if w.areThose(before) || w.areThose(after) {
		t.Error("a claim begins while the partitions are moved")
	}
	w.changed(responses, after[responses], false)
	if w.areThose(before) || !w.areThose(after) {
		t.Error("want a claim that found the new topic to begin, and none that found the old one")
	}
}

// Two writes are refused at once, and the second refusal comes while the first has the topic
// looked at.
func TestTopicWatch_aTopicIsForgottenOnceForWritesSentBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTopicWatch(&Config{})
		sent := time.Now()
		time.Sleep(time.Millisecond)
		w.refusedWrite("responses", sent)
		first := w.takeSuspects()["responses"]
		if !w.mustForget("responses", first) {
			t.Error("the refused topic need not be forgotten")
		}
		w.refusedWrite("responses", sent)
		w.changed("responses", kadm.TopicID{1}, true)
		second, ok := w.takeSuspects()["responses"]
		if !ok || w.mustForget("responses", second) {
			t.Errorf("suspected %v; want a suspicion for which nothing is forgotten again", ok)
		}
		time.Sleep(time.Millisecond)
		w.refusedWrite("responses", time.Now())
		if !w.mustForget("responses", w.takeSuspects()["responses"]) {
			t.Error("a topic that refuses what was sent later need not be forgotten")
		}
	})
}
