//go:build synctests

package processor_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// remake deletes a topic and creates it again.
func (w *world) remake(topic string, partitions int32, configs map[string]string) {
	w.t.Helper()
	if err := w.kafka.DeleteTopic(topic); err != nil {
		w.t.Fatalf("deleting topic %s: %v", topic, err)
	}
	if err := w.kafka.CreateTopic(topic, partitions, configs); err != nil {
		w.t.Fatalf("creating topic %s: %v", topic, err)
	}
}

// slowUser keeps the first event of each partition open, so that nothing can be
// committed past it: what is done behind it is known from the ledger alone.
func slowUser(s seen) (int, time.Duration) {
	if strings.HasPrefix(s.User, "slow") {
		return 201, 5 * time.Minute
	}
	return 201, 0
}

func patient(_ *processor.Config, s *sink.Config) { s.Timeout = time.Hour }

func TestRemade_theResponsesTopicIsTakenOverAndNothingRepeated(t *testing.T) {
	for _, partitions := range []int32{1, 3, 5} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.desk.answers(slowUser)
				for p := range int32(4) {
					w.sendUser(p, fmt.Sprint("early", p), 1, 30) // so that the old topic's positions are not the new one's
				}
				early := w.start()
				w.settledAll()
				early.stop()
				for p := range int32(4) {
					w.sendUser(p, fmt.Sprint("slow", p), 1, 1)
					w.sendUser(p, fmt.Sprint("u", p), 1, 5)
				}
				in := w.start(patient)
				w.eventually("the quick ones", func() bool { return in.Figures().Delivered == 20 })
				w.remake(responses, partitions, nil)
				for p := range int32(4) {
					w.sendUser(p, fmt.Sprint("u", p), 6, 9)
				}
				w.eventually("the later ones", func() bool { return in.Figures().Delivered == 36 })
				time.Sleep(3 * time.Second) // for the commits
				in.kill()

				// What has an outcome on the topic as it is now is not repeated; the slow ones
				// and what only the old topic had an outcome of is.
				again := w.start(patient)
				w.settledAll()
				again.check()
				if f := again.Figures(); f.AlreadySettled != 16 || f.Delivered != 4+20 {
					t.Errorf("already settled %d, delivered %d; want the 16 of the new topic, and 24", f.AlreadySettled, f.Delivered)
				}
				again.stop()
			})
		})
	}
}

func TestRemade_anOrderlyPipelineGoesOnToTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(slowUser)
		for p := range int32(4) {
			w.sendUser(p, fmt.Sprint("slow", p), 1, 1)
			w.sendUser(p, fmt.Sprint("u", p), 1, 5)
		}
		in := w.start(patient)
		w.eventually("the quick ones", func() bool { return in.Figures().Delivered == 20 })
		w.remake(responses, 2, nil)
		for p := range int32(4) {
			w.sendUser(p, fmt.Sprint("u", p), 6, 9)
		}
		w.settledAll()
		in.check()
		in.stop()
		if got := len(w.desk.ids()); got != 40 {
			t.Errorf("%d calls for 40 events", got)
		}
		if got := len(w.outcomes()); got != 20 {
			t.Errorf("%d outcomes on the new topic, want those of the 20 later ones", got)
		}
		if n := w.logged("ERROR", "topic="+responses+" partitions="); n != 1 {
			t.Errorf("logged %d times that the topic was recreated, want once:\n%s", n, w.log)
		}
		for p, at := range w.kafka.Committed(t, group, source) {
			if id := fmt.Sprint(w.kafka.TopicInfo(responses).TopicID); !strings.Contains(at.Metadata, " 2 ") || at.At != 10 {
				t.Errorf("partition %d: committed %d with checkpoint %q after the end, want 10 and a checkpoint of topic %s", p, at.At, at.Metadata, id)
			}
		}
	})
}

// The client never wrote to the old topic here, so it takes the new one for the only
// one: the sign is an offset that the old one had long passed.
func TestRemade_aTopicMadeAnewBeforeTheFirstWriteIsNoticed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for p := range int32(3) {
			for range 50 {
				w.kafka.Produce(t, &kgo.Record{Topic: responses, Partition: p, Value: []byte("{}")})
			}
		}
		w.sendUser(0, "slow", 1, 1)
		w.desk.answers(slowUser)
		in := w.start(patient)
		w.eventually("the first call", func() bool { return len(w.desk.ids()) == 1 })
		w.remake(responses, 3, nil)
		w.sendUser(0, "u", 1, 5)
		w.eventually("the others", func() bool { return in.Figures().Delivered == 5 })
		time.Sleep(5 * time.Second)
		in.kill()
		again := w.start(patient)
		w.settledAll()
		if f := again.Figures(); f.AlreadySettled < 4 {
			t.Errorf("already settled %d, want all but the one by which it was noticed, at least", f.AlreadySettled)
		}
		again.stop()
	})
}

func TestRemade_aCompactedResponsesTopicEndsThePipeline(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 3)
		in := w.start()
		w.eventually("the first ones", func() bool { return in.Figures().Delivered == 3 })
		w.remake(responses, 3, map[string]string{"cleanup.policy": "compact"})
		w.sendUser(0, "u", 4, 4)
		err := <-in.ended
		in.ended <- nil
		if err == nil || !strings.Contains(err.Error(), responses) || !strings.Contains(err.Error(), "cleanup.policy") {
			t.Errorf("Run = %v, want an error that names the topic and the setting", err)
		}
	})
}

// The group takes the partitions of a topic that is gone away, and gives those of the new
// one; the client asks for the old one's anyway.
func TestRemade_aSourceEndsThePipelineThoughNoneOfItWasRead(t *testing.T) {
	for _, protocol := range protocols {
		for _, gone := range []time.Duration{0, 30 * time.Second} {
			t.Run(fmt.Sprint(protocol, gone), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					w.sendUser(0, "u", 1, 3)
					in := w.start(with(protocol))
					w.settledAll()
					if err := w.kafka.DeleteTopic(source); err != nil {
						t.Fatal(err)
					}
					time.Sleep(gone)
					if err := w.kafka.CreateTopic(source, 4, nil); err != nil {
						t.Fatal(err)
					}
					err := <-in.ended
					in.ended <- nil
					if !errors.Is(err, processor.ErrSourceRecreated) {
						t.Errorf("Run = %v, want an error that says what happened to the topic", err)
					}
				})
			})
		}
	}
}

// The group's offsets go with the old topic, and the process that knew it ends: nothing
// else shows the next one that the new topic is no new one to the group.
func TestRemade_aSourceIsReadFromItsBeginningThoughTheStartIsLatest(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(fmt.Sprint(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				in := w.start(with(protocol), latest)
				w.eventually("a start", func() bool { return w.committed(0) == 0 })
				w.sendUser(0, "u", 1, 3)
				w.settledAll()
				w.remake(source, 4, nil)
				w.sendUser(0, "u", 4, 6)
				if err := <-in.ended; err == nil {
					t.Error("Run = nil, want the reason")
				}
				in.ended <- nil
				again := w.start(with(protocol), latest)
				w.settledAll()
				if diff := cmp.Diff([]string{"u-1", "u-2", "u-3", "u-4", "u-5", "u-6"}, w.desk.ids()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				again.stop()
			})
		})
	}
}

// A client that never reads a partition is refused only what it commits of it.
func TestRemade_aSourceWhoseIDNoCommitKnowsForAMinuteEndsThePipeline(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		refuse := false
		w.kafka.ControlKey(int16(kmsg.OffsetCommit), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			w.kafka.KeepControl()
			req := kreq.(*kmsg.OffsetCommitRequest)
			if !refuse {
				return nil, nil, false
			}
			resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
			for _, asked := range req.Topics {
				topic := kmsg.NewOffsetCommitResponseTopic()
				topic.Topic, topic.TopicID = asked.Topic, asked.TopicID
				for _, at := range asked.Partitions {
					part := kmsg.NewOffsetCommitResponseTopicPartition()
					part.Partition, part.ErrorCode = at.Partition, kerr.UnknownTopicID.Code
					topic.Partitions = append(topic.Partitions, part)
				}
				resp.Topics = append(resp.Topics, topic)
			}
			return resp, nil, true
		})
		in := w.start()
		w.sendUser(0, "u", 1, 3)
		w.settledAll()
		refuse = true
		for i := 4; ; i++ {
			select {
			case err := <-in.ended:
				in.ended <- nil
				if !errors.Is(err, processor.ErrSourceRecreated) {
					t.Errorf("Run = %v, want an error that says what happened to the topic", err)
				}
				return
			case <-time.After(5 * time.Second):
				if i == 100 {
					t.Fatal("the pipeline goes on though nothing is committed")
				}
				w.sendUser(0, "u", i, i)
			}
		}
	})
}

func TestRemade_theDeadLetterTopicIsTakenOver(t *testing.T) {
	for _, partitions := range []int32{1, 2, 3} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				bad := []byte(`{"type":"track","event":"invalid","userId":"x"}`)
				for p := range int32(4) {
					w.send(p, bad)
				}
				in := w.start()
				w.eventually("the first letters", func() bool { return in.Figures().Dead == 4 })
				w.remake(deadLetters, partitions, nil)
				for p := range int32(4) {
					w.send(p, bad, event("u", int(p)))
				}
				w.settledAll()
				in.check()
				letters := w.kafka.Consume(t, deadLetters)
				if len(letters) != 4 {
					t.Errorf("%d letters on the new topic, want 4", len(letters))
				}
				for _, l := range letters {
					for _, h := range l.Headers {
						if h.Key == "dlq.source.partition" && int32(h.Value[0]-'0')%partitions != l.Partition {
							t.Errorf("letter of partition %s in partition %d of %d", h.Value, l.Partition, partitions)
						}
					}
				}
				in.stop()
			})
		})
	}
}

// The number of partitions is part of the checkpoint. A pipeline keeps to the one that it
// found; the next owner finds another and delivers again what is not committed.
func TestRemade_morePartitionsOfTheResponsesTopicCountFromTheNextAssignment(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(slowUser)
		w.sendUser(3, "slow", 1, 1)
		w.sendUser(3, "u", 1, 3)
		in := w.start(patient)
		w.eventually("the quick ones", func() bool { return in.Figures().Delivered == 3 })
		w.kafka.AddPartitions(w.t, responses, 7)
		time.Sleep(10 * time.Minute) // the client hears of them
		w.sendUser(3, "u", 4, 6)
		w.eventually("the later ones", func() bool { return in.Figures().Delivered == 7 })
		for _, r := range w.kafka.Consume(t, responses) {
			if r.Partition != 0 {
				t.Errorf("outcome of partition 3 in partition %d, want 3 mod 3", r.Partition)
			}
		}
		w.sendUser(3, "slow", 7, 7)
		w.sendUser(3, "u", 8, 9)
		w.eventually("the last ones", func() bool { return in.Figures().Delivered == 9 })
		time.Sleep(3 * time.Second)
		in.kill()
		again := w.start(patient)
		w.settledAll()
		again.check()
		if diff := cmp.Diff([]string{"u-8", "u-9", "u-8", "u-9"}, w.desk.of("u")[6:]); diff != "" {
			t.Errorf("calls behind the committed offset (-want +got):\n%s", diff)
		}
		if n := w.logged("WARN", "committed=", "another responses partitions"); n != 4 {
			t.Errorf("logged %d times that a checkpoint is of another number of partitions, want once per source partition", n)
		}
		again.stop()
	})
}
