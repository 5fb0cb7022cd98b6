package main

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
)

func TestRun_aBrokerThatIsAwayForAWhileLosesNothing(t *testing.T) {
	t.Parallel()
	same := []kfake.Opt{kfake.DataDir(t.TempDir()), kfake.Ports(quietPort(t))}
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

// quietPort is a port on which nobody listens, below those that systems give to outgoing
// connections: one of these could take it while the broker is away.
func quietPort(t *testing.T) int {
	t.Helper()
	for port := 20_000 + os.Getpid()%10_000; port < 32_768; port++ {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("no port is free")
	return 0
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
	p.wantExit(exitFault, "source topic "+eventsTopic+" was deleted and recreated")
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
