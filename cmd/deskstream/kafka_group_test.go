//go:build kafka

package main

import (
	"flag"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestKafka_instancesThatComeAndGoRepeatNothing(t *testing.T) {
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			comeAndGo(t, real(t, worldOptions{stub: slow}), source)
		})
	}
}

// ciKills is how often the program is killed where tests are to be short.
const ciKills = 3

// kills makes the tests that kill the program long ones.
var kills = flag.Int("kills", ciKills, "how often the program is killed on real Kafka")

func TestKafka_killedAgainAndAgainLosesNothingAndRepeatsOnlyWhatWasInTheAir(t *testing.T) {
	s := slaughter{kills: *kills, events: 1000 * *kills, work: 400}
	if *kills > ciKills {
		s.events, s.work = 2500**kills, 4000
	}
	for name, source := range map[string]string{
		"dynamic": "", "static": staticMember, "consumer": "  group_protocol: consumer\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killAgainAndAgain(t, real(t, worldOptions{stub: slower}), source, s)
		})
	}
}

func TestKafka_frozenBeyondItsSessionLosesNothing(t *testing.T) {
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			freeze(t, real(t, worldOptions{stub: slow}), source)
		})
	}
}

// longSession is the time in which a static member has to be back.
const longSession = 45 * time.Second

// setSession sets the session timeout of the groups, should they be of the consumer
// protocol.
func (w *world) setSession(d time.Duration) {
	w.t.Helper()
	value := strconv.FormatInt(d.Milliseconds(), 10)
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for _, destination := range []string{inbox, crm} {
		resource := kmsg.NewIncrementalAlterConfigsRequestResource()
		resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeGroupConfig, w.group(destination)
		config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		config.Name, config.Value = "consumer.session.timeout.ms", &value
		resource.Configs = append(resource.Configs, config)
		req.Resources = append(req.Resources, resource)
	}
	resp, err := req.RequestWith(w.t.Context(), w.Client(w.t))
	if err != nil {
		w.t.Fatalf("setting the session timeout: %v", err)
	}
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			w.t.Fatalf("setting the session timeout of %s: %v", r.ResourceName, err)
		}
	}
}

func TestKafka_aStaticMemberThatComesBackMovesNothing(t *testing.T) {
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, real(t, worldOptions{stub: slow}))
			w.produce(1000, each(300))
			w.setSession(longSession)
			static := func(instance string) string {
				return w.config(settings{source: source + "  group_instance_id: " + instance + "\n", session: longSession})
			}
			stays, goes := w.start(static("stays")), w.start(static("goes"))
			w.awaitWork(stays)
			w.awaitWork(goes)
			moved := func() int {
				log := stays.stderr.String()
				return strings.Count(log, `"partitions assigned"`) + strings.Count(log, `"partitions released`)
			}
			before := moved()
			goes.stop()
			back := w.start(static("goes"))
			w.awaitWork(back)
			if n := moved() - before; n > 0 {
				t.Errorf("%d assignments and losses at the member that stayed, want none", n)
			}
			w.awaitCommitted(stays)
			back.stop()
			stays.stop()
			w.wantOnce()
		})
	}
}
