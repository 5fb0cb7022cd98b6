package main

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
)

func TestRun_aBrokerThatIsAwayForAWhileLosesNothing(t *testing.T) {
	t.Parallel()
	_, text, err := net.SplitHostPort(closedAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	same := []kfake.Opt{kfake.DataDir(t.TempDir()), kfake.Ports(port)}
	w := newWorld(t, worldOptions{stub: slow, fake: same})
	w.produce(1500, each(200))
	p := w.start(w.config(settings{}))
	w.awaitWork(p)
	w.Close()
	await(t, "what was in the air to land", func() bool { p.alive(); return w.desk.Open() == 0 })
	w.Cluster = kafkatest.Kafka(t, kafkatest.Fake(same...))
	w.awaitCommitted(p)
	p.stop()
	w.wantWritten(func(_, _ stub.Call) bool { return false })
	if n := len(w.outcomes()); n != 2*w.produced() {
		t.Errorf("outcomes for %d events at a destination, want %d", n, 2*w.produced())
	}
}

func TestRun_aSourceThatIsMadeAnewEndsItAndARestartReadsTheNewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.produce(100, each(20))
	path := w.config(settings{})
	p := w.start(path)
	w.awaitCommitted(p)
	if err := w.DeleteTopic(eventsTopic); err != nil {
		t.Fatal(err)
	}
	if err := w.CreateTopic(eventsTopic, 12, nil); err != nil {
		t.Fatal(err)
	}
	p.wantExit(exitFault, "topic "+eventsTopic+" was made anew")
	if lines := strings.Count(p.stderr.String(), "\n"); lines > 1000 {
		t.Errorf("the log has %d lines", lines)
	}
	w.produce(100, each(20))
	p = w.start(path)
	w.awaitCommitted(p)
	p.stop()
	type event struct{ destination, mark string }
	writes := map[event]int{}
	for _, c := range w.writes() {
		writes[event{c.Destination, c.Mark}]++
	}
	for mark := range w.place {
		for _, destination := range []string{inbox, crm} {
			if n := writes[event{destination, mark}]; n != 1 {
				t.Errorf("%s reached %s %d times, want 1", mark, destination, n)
			}
		}
	}
}
