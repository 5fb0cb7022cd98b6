package processor

import (
	"testing"

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
	w.changed(responses, after[responses], suspicion{})
	if w.areThose(before) || !w.areThose(after) {
		t.Error("want a claim that found the new topic to begin, and none that found the old one")
	}
}
