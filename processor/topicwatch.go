package processor

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// topicWatch knows the topics that the pipeline reads and writes, and which of them may have
// been recreated. It has its own lock, which may be taken under the book's.
type topicWatch struct {
	suspected chan struct{} // of one: a topic was added to suspects

	mu sync.Mutex
	// known are the topics that are written to, as they were last found, and the sources
	// as they were first found.
	known map[string]knownTopic
	// suspects are the topics that may have been recreated since.
	suspects map[string]suspicion
	// refused are the sources whose ids the brokers do not know, as long as that lasts.
	refused map[string]refusal
	// maxBytes are the max.message.bytes of the topics that are written to.
	maxBytes map[string]int32
}

// knownTopic is a topic that outcomes or letters go to, as it was last found, or a source.
type knownTopic struct {
	id kadm.TopicID
	// changing is set while a recreated topic is adopted, partition by partition.
	changing bool
	// renewed is when the client last forgot what it knew of the topic.
	renewed time.Time
}

// suspicion is a reason to ask the cluster whether a topic is still the one that it was.
type suspicion struct {
	// refused is when the newest write was sent that was refused, since the client or a broker
	// does not know the topic's id any more; zero for none.
	refused time.Time
	behind  bool // it gave an offset below one that it had given already
}

// refusal is a time in which brokers did not know the id under which the client asks for a
// source.
type refusal struct{ first, last time.Time }

// A broker that has just started may not know the id of a topic for a moment. When none knows
// it for longer, it is not the id of the topic that a claim found: the topic was recreated
// before this process had asked for it, and after the client had.
const (
	refusedFor = time.Minute
	refusedGap = 30 * time.Second // between two of one time
)

func newTopicWatch(cfg *Config) *topicWatch {
	return &topicWatch{
		suspected: make(chan struct{}, 1),
		known:     make(map[string]knownTopic), suspects: make(map[string]suspicion), refused: make(map[string]refusal),
		maxBytes: map[string]int32{
			cfg.Writer.Responses: cfg.ResponsesMaxBytes, cfg.Writer.DeadLetters: cfg.DeadLettersMaxBytes,
		},
	}
}

// suspect has a topic asked for.
func (w *topicWatch) suspect(topic string, why suspicion) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.suspectLocked(topic, why)
}

func (w *topicWatch) suspectLocked(topic string, why suspicion) {
	was := w.suspects[topic]
	if was.refused.After(why.refused) {
		why.refused = was.refused
	}
	w.suspects[topic] = suspicion{refused: why.refused, behind: was.behind || why.behind}
	signal(w.suspected)
}

// takeSuspects are the topics to ask for; from then on there are none.
func (w *topicWatch) takeSuspects() map[string]suspicion {
	w.mu.Lock()
	defer w.mu.Unlock()
	suspects := w.suspects
	w.suspects = make(map[string]suspicion)
	return suspects
}

// refusedSource notes that the id under which the client asks for a source, to read it or to
// commit, was not known.
func (w *topicWatch) refusedSource(topic string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.suspectLocked(topic, suspicion{})
	now, r := time.Now(), w.refused[topic]
	if now.Sub(r.last) > refusedGap {
		r.first = now
	}
	r.last = now
	w.refused[topic] = r
}

// refusedForLong reports whether no broker has known the source's id for long.
func (w *topicWatch) refusedForLong(topic string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.refused[topic]
	return r.last.Sub(r.first) >= refusedFor
}

// refusedWrite notes that a topic refused a record, handed over at sent, since it has another
// id than the client knows. It means nothing if the client has forgotten that id since.
func (w *topicWatch) refusedWrite(topic string, sent time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sent.After(w.known[topic].renewed) {
		w.suspectLocked(topic, suspicion{refused: sent})
	}
}

// mustForget reports whether the client has to forget what it knows of a topic, since a write
// was refused. When it has forgotten that since, it must not do so again: it counts what it
// writes from the beginning then, and a broker takes what has a number that it has seen
// for a repetition, which it acknowledges and does not write.
func (w *topicWatch) mustForget(topic string, why suspicion) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return why.refused.After(w.known[topic].renewed)
}

func (w *topicWatch) id(topic string) kadm.TopicID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known[topic].id
}

// rememberTopics remembers the topics that a claim found. If one is not the topic that was
// known, the claim has to wait until it is adopted.
func (w *topicWatch) rememberTopics(found survey) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, topics := range []map[string]kadm.TopicID{found.written, found.sources} {
		for topic, id := range topics {
			known, ok := w.known[topic]
			if !ok {
				w.known[topic] = knownTopic{id: id}
			} else if known.id != id {
				w.suspectLocked(topic, suspicion{})
				return fmt.Errorf("topic %s was recreated", topic)
			}
		}
	}
	return nil
}

// rememberSource remembers the id under which the client asks for a source's offsets: it is
// that of the topic that it reads, whatever a claim finds later. Older brokers have none.
func (w *topicWatch) rememberSource(topic string, id kadm.TopicID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.known[topic]; !ok && id != (kadm.TopicID{}) {
		w.known[topic] = knownTopic{id: id}
	}
}

// areThose reports whether the topics that are written to are those that a claim found.
func (w *topicWatch) areThose(written map[string]kadm.TopicID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic, id := range written {
		if known := w.known[topic]; known.id != id || known.changing {
			return false
		}
	}
	return true
}

// change notes that a topic is being adopted. From then on no claim that found it as it was
// begins to deliver.
func (w *topicWatch) change(topic string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := w.known[topic]
	known.changing = true
	w.known[topic] = known
}

// changed notes that a topic is adopted, or was not recreated. Where it had refused a write, the
// client has forgotten its old id.
func (w *topicWatch) changed(topic string, id kadm.TopicID, forgotten bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := knownTopic{id: id, renewed: w.known[topic].renewed}
	if forgotten {
		known.renewed = time.Now()
	}
	w.known[topic] = known
}

// errNotUsable ends the pipeline: a topic was recreated such that nothing may be
// written to it.
var errNotUsable = errors.New("the topic cannot be used")

// takeSettings takes in how large a batch the topic takes, and refuses a topic that
// would lose records.
func (w *topicWatch) takeSettings(topic string, settings []kadm.Config) error {
	for _, c := range settings {
		switch c.Key {
		case "cleanup.policy":
			if value := c.MaybeValue(); value != "delete" {
				return fmt.Errorf("topic %s was recreated with cleanup.policy=%s, set it to delete: %w", topic, value, errNotUsable)
			}
		case "max.message.bytes":
			if n, err := strconv.ParseInt(c.MaybeValue(), 10, 32); err == nil {
				w.mu.Lock()
				w.maxBytes[topic] = int32(n)
				w.mu.Unlock()
			}
		}
	}
	return nil
}

// batchBytes lets a batch be as large as its topic takes.
func (w *topicWatch) batchBytes(topic string) int32 {
	w.mu.Lock()
	limit := w.maxBytes[topic]
	w.mu.Unlock()
	if limit <= 0 {
		return defaultBatchBytes
	}
	return min(max(limit, minBatchBytes), maxBatchBytes)
}

// What kgo takes for the size of a batch, the upper limit well below its limit for a
// whole request.
const (
	minBatchBytes = 512
	maxBatchBytes = 64 << 20
)

// defaultBatchBytes is the max.message.bytes that a topic has unless it says otherwise.
const defaultBatchBytes = 1 << 20
