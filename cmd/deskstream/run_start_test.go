package main

import (
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/kafkatest"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// wantExit fails the test unless the process ends with a code and says all of the texts.
func (p *process) wantExit(code int, texts ...string) {
	p.t.Helper()
	got := p.wait()
	if got != code {
		p.t.Errorf("exit code %d, want %d\n%s", got, code, p.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(p.stderr.String(), text) {
			p.t.Errorf("stderr lacks %q:\n%s", text, p.stderr)
		}
	}
	if p.stdout.String() != "" {
		p.t.Errorf("got something on stdout: %s", p.stdout)
	}
}

// closedAddress is one at which nobody listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l := listen(t)
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// listen opens a port until the test ends.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // closed already in some tests
	return l
}

func TestRun_warningsOfTheFileAreLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	file := writeFile(t, "c.yaml", strings.Replace(readFile(t, w.config(settings{brokers: []string{closedAddress(t)}})), trengoToken, "t0k3n", 1))
	p := w.start(file, "--connect-timeout", "1ms")
	p.wantExit(exitFault, "configuration has a setting to change", "destinations[0].trengo.api_token: has fewer than 16 characters")
	if strings.Contains(p.stderr.String(), "t0k3n") {
		t.Errorf("the credential shows in the log:\n%s", p.stderr)
	}
}

func TestRun_brokersThatDoNotAnswerAreNamedAfterTheConnectTimeout(t *testing.T) {
	t.Parallel()
	w, one, two := newWorld(t, worldOptions{}), closedAddress(t), closedAddress(t)
	p := w.start(w.config(settings{brokers: []string{one, two}}), "--connect-timeout", "300ms")
	p.wantExit(exitFault, one, two, "--connect-timeout")
}

func TestRun_aStopEndsTheWaitForBrokers(t *testing.T) {
	t.Parallel()
	silent := listen(t) // accepts in the kernel, and never answers
	for name, broker := range map[string]string{"nobody listens": closedAddress(t), "nobody answers": silent.Addr().String()} {
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
			t.Run(name+" "+s.String(), func(t *testing.T) {
				w := newWorld(t, worldOptions{})
				p := w.start(w.config(settings{brokers: []string{broker}}), "--log-level", "debug")
				p.awaitLog("opening connection")
				p.signal(s)
				p.wantExit(exitOK)
			})
		}
	}
}

func TestRun_aStopEndsTheQuestionForTopics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	asked, release := make(chan struct{}, 100), make(chan struct{})
	w.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.KeepControl()
		if len(req.(*kmsg.MetadataRequest).Topics) > 0 {
			asked <- struct{}{}
			w.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	p := w.start(w.config(settings{}))
	<-asked
	p.signal(syscall.SIGTERM)
	p.wantExit(exitOK)
	close(release)
}

// While one broker of several is away, others answer and still name it as coordinator.
func TestRun_aBrokerThatIsAwayAtTheStartIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	host, port, err := net.SplitHostPort(closedAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	w.ControlKey(int16(kmsg.FindCoordinator), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.KeepControl()
		if asked.Add(1) > 2 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
		for _, key := range req.(*kmsg.FindCoordinatorRequest).CoordinatorKeys {
			resp.Coordinators = append(resp.Coordinators, kmsg.FindCoordinatorResponseCoordinator{
				Key: key, NodeID: 7, Host: host, Port: int32(number),
			})
		}
		return resp, nil, true
	})
	p := w.start(w.config(settings{}))
	p.awaitLog("a broker is not reached")
	p.awaitLog("partitions assigned")
	p.stop()
}

func TestRun_missingTopicsAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.Cluster = kafkatest.Kafka(t)
	w.start(w.config(settings{})).wantExit(exitFault, eventsTopic+" does not exist", responsesTopic+" does not exist",
		lettersTopic+" does not exist", "--create-topics")
}

func TestRun_createsMissingTopicsAndDeliversOneDestinationAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.Cluster = kafkatest.Kafka(t)
	path := w.config(settings{})
	p := w.start(path, "--create-topics", "--destination", crm)
	p.awaitLog("partitions assigned")
	for topic, n := range map[string]int{eventsTopic: 12, responsesTopic: 12, lettersTopic: 12, lettersTopic + ".state": 12} {
		if got := len(w.PartitionInfos(topic)); got != n {
			t.Errorf("%s has %d partitions, want %d", topic, got, n)
		}
	}
	w.produce(20, each(5))
	await(t, "the destination to commit", func() bool { p.alive(); return w.committedAll(crm) })
	p.stop()
	if n := len(w.desk.Desk(stubtrengo.Name).Received()); n > 0 {
		t.Errorf("a destination that was not asked for received %d calls", n)
	}
	if committed := w.Committed(t, "deskstream."+inbox, eventsTopic); len(committed) > 0 {
		t.Errorf("a destination that was not asked for committed %v", committed)
	}
	w.start(path, "--destination", "nobody").wantExit(exitUsage, `"nobody"`)
}

func TestRun_brokenConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	startProcess(t, "run", "-c", writeFile(t, "broken.yaml", "kafka: {broker: [a]}\n")).wantExit(exitUsage, "brokers", "broken.yaml")
	startProcess(t, "run").wantExit(exitUsage, "-c FILE")
}

func TestRun_aPortInUseIsNamedBeforeAnyEventIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.produce(1, each(1))
	taken := listen(t).Addr().String()
	w.start(w.config(settings{listen: taken})).wantExit(exitFault, "http.listen", taken)
	if n := len(w.desk.Received()); n > 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestRun_healthIsThereBeforeTheGroupIsJoinedAndReadinessAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	fault := w.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
	p := w.start(w.config(settings{}))
	url := p.listening()
	if code, body := get(t, url+"/healthz"); code != 200 {
		t.Errorf("/healthz before joining: %d %s", code, body)
	}
	if code, body := get(t, url+"/readyz"); code != 503 || !strings.Contains(body, `"joined":false`) {
		t.Errorf("/readyz before joining: %d %s", code, body)
	}
	fault.Remove()
	await(t, "/readyz to say yes", func() bool { code, _ := get(t, url+"/readyz"); return code == 200 })
	if code, body := get(t, url+"/healthz"); code != 200 {
		t.Errorf("/healthz after joining: %d %s", code, body)
	}
	p.stop()
}
