package main

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

const statesTopic = lettersTopic + ".state"

func TestRun_aMissingTopicOfStatesIsSaid(t *testing.T) {
	t.Parallel()
	const text = "topic of the letters' states does not exist"
	w := newWorld(t, worldOptions{})
	path := w.config(settings{})
	for _, tt := range []struct {
		args []string
		want bool
	}{{nil, true}, {[]string{"--create-topics"}, false}, {nil, false}} {
		log := w.runToTheEnd(path, tt.args...)
		if got := strings.Contains(log, text) && strings.Contains(log, `"topic":"`+statesTopic+`"`); got != tt.want {
			t.Errorf("run %v says that the topic is missing: %v, want %v\n%s", tt.args, got, tt.want, log)
		}
	}
}

// Without the right to create the topic of states, --create-topics ends before anything was read, and says
// which right it is. Nothing is lost: without the flag, and with the right, all is delivered once.
func TestRun_createTopicsSaysWhichRightTheTopicOfStatesNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	var allowed atomic.Bool
	w.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.KeepControl()
		asked := req.(*kmsg.CreateTopicsRequest).Topics
		if allowed.Load() || len(asked) != 1 || asked[0].Topic != statesTopic {
			return nil, nil, false
		}
		refused := kmsg.NewCreateTopicsResponseTopic()
		refused.Topic, refused.ErrorCode = statesTopic, kerr.TopicAuthorizationFailed.Code
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		resp.Topics = append(resp.Topics, refused)
		return resp, nil, true
	})
	path := w.config(settings{})
	w.produce(10, each(5))
	w.start(path, "--create-topics").wantExit(exitFault, "creating topic "+statesTopic, "no right to Create topic "+statesTopic)
	if n, m := len(w.Consume(t, responsesTopic)), len(w.writes()); n != 0 || m != 0 {
		t.Errorf("%d outcomes and %d writes were made before the error", n, m)
	}
	if log := w.runToTheEnd(path); !strings.Contains(log, "topic of the letters' states does not exist") {
		t.Errorf("without the flag nothing is said of the topic:\n%s", log)
	}
	allowed.Store(true)
	w.produce(10, each(5))
	if log := w.runToTheEnd(path, "--create-topics"); strings.Contains(log, "does not exist") {
		t.Errorf("with the right the topic is still missing:\n%s", log)
	}
	w.wantOnce()
}

func TestCheckConnect_aMissingTopicOfStatesIsAWarning(t *testing.T) {
	t.Parallel()
	for _, missing := range []bool{true, false} {
		topics := []kafkatest.Option{
			kafkatest.Topic(eventsTopic, 1), kafkatest.Topic(responsesTopic, 1), kafkatest.Topic(lettersTopic, 1, "max.message.bytes", "2000000"),
		}
		if !missing {
			topics = append(topics, kafkatest.Topic(statesTopic, 1, "cleanup.policy", "compact"))
		}
		server := apis(t, map[string]int{trengoCheck: 200, kustomerCheck: 200})
		got := runCommand(t, "", "check", "--connect", "-c", connectConfig(t, strings.Join(kafkatest.Kafka(t, topics...).Brokers, ","), server.URL))
		got.want(t, exitOK, "dead letters", "")
		if said := strings.Contains(got.stdout, "letter states") && strings.Contains(got.stdout, "warning  does not exist: "); said != missing {
			t.Errorf("the table warns: %v, want %v\n%s", said, missing, got.stdout)
		}
	}
}

func TestDLQ_aMissingTopicOfStatesIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	path := w.config(settings{})
	note := "note: topic " + statesTopic + " does not exist: every letter counts as open"
	for _, command := range [][]string{{"dlq", "list"}, {"audit"}} {
		args := append(command, "-c", path)
		if got := runCommand(t, "", args...); !strings.Contains(got.stderr, note) {
			t.Errorf("%v does not say it: %s", command, got.stderr)
		}
	}
	w.runToTheEnd(path, "--create-topics")
	if got := runCommand(t, "", "dlq", "list", "-c", path); strings.Contains(got.stderr, "does not exist") {
		t.Errorf("dlq list says that it is missing: %s", got.stderr)
	}
}
