package main

import (
	"strings"
	"testing"

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
