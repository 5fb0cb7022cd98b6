//go:build kafka

package kafkatest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kafkaVersion is the version of Apache Kafka that the jars and the image have.
const kafkaVersion = "4.3.1"

// answerTimeout is how long brokers may take to answer after they were started.
const answerTimeout = 2 * time.Minute

// Apache is a cluster of Apache Kafka.
type Apache struct {
	*Cluster
	// Source tells where the brokers come from, for people.
	Source string

	listen map[string][]string // addresses by listener
	// jars are the brokers' processes, if they come from the jars.
	jars *jars
	// end ends the brokers, if they are ours.
	end func() error
}

// ApacheConfig shapes a cluster of Apache Kafka.
type ApacheConfig struct {
	// Brokers is 1 or 3. 0: as many as the way has, 3 from the jars and 1 in Docker.
	Brokers int
	// Disturbed says that the test stops, kills or pauses brokers. They come from the jars
	// then.
	Disturbed bool
	// Properties are broker properties besides those that a test cluster has. FilesDir in
	// a value stands for the directory in which the brokers see Files.
	Properties map[string]string
	// Listeners are SSL, SASL_SSL or SASL_PLAINTEXT, besides the plain one that the
	// helpers use. What they need, such as keystores, is set by Properties and Files.
	// On the plain one everybody is User:ANONYMOUS: a super user, if there are ACLs.
	Listeners []string
	// Files are files for the brokers, by name.
	Files map[string][]byte
	// JavaOptions are passed to Java, such as -Djava.security.auth.login.config.
	JavaOptions []string
}

// FilesDir stands for the directory of ApacheConfig.Files.
const FilesDir = "{files}"

// OwnApache starts a cluster of the test's own and ends it with the test. It comes from
// Docker or the jars even where KAFKA_BROKERS names others.
func OwnApache(t testing.TB, c ApacheConfig) *Apache {
	t.Helper()
	w, err := ownWay(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	a, err := launch(t.Context(), w, c)
	if err != nil {
		t.Fatalf("starting Apache Kafka: %v", err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Errorf("ending Apache Kafka: %v", err)
		}
	})
	return a
}

var (
	sharedOnce sync.Once
	shared     *Apache
	errShared  error
)

// SharedApache is the cluster that the tests of a package share, started for the first
// that asks. Names of topics and groups have to be unique: see Unique. The package's
// TestMain calls EndSharedApache.
func SharedApache(t testing.TB) *Apache {
	t.Helper()
	sharedOnce.Do(func() {
		// Not the test's context: the cluster outlives the test.
		shared, errShared = startShared(context.WithoutCancel(t.Context()))
	})
	if errShared != nil {
		t.Fatalf("starting Apache Kafka: %v", errShared)
	}
	return shared
}

// EndSharedApache ends the shared cluster, if there is one.
func EndSharedApache() {
	if shared == nil {
		return
	}
	if err := shared.close(); err != nil {
		fmt.Fprintf(os.Stderr, "ending Apache Kafka: %v\n", err)
	}
}

func startShared(ctx context.Context) (*Apache, error) {
	w, err := chosenWay(ctx)
	if err != nil {
		return nil, err
	}
	return launch(ctx, w, ApacheConfig{})
}

// launch starts a cluster the given way, waits until it answers, and tells which it is.
func launch(ctx context.Context, w way, c ApacheConfig) (*Apache, error) {
	if w == wayBrokers {
		return reach(ctx, &Apache{Cluster: &Cluster{Brokers: strings.Split(os.Getenv(brokersVariable), ",")}, Source: brokersVariable})
	}
	if c.Brokers == 0 {
		c.Brokers = w.brokers()
	}
	ports := c.Brokers * (2 + len(c.Listeners))
	port, err := quietPorts(ctx, ports)
	if err != nil {
		return nil, err
	}
	a := &Apache{Cluster: &Cluster{Brokers: addresses(port, c.Brokers)}, listen: make(map[string][]string)}
	for i, name := range c.Listeners {
		a.listen[name] = addresses(port+(2+i)*c.Brokers, c.Brokers)
	}
	if w == wayDocker {
		a.Source = "the image " + kafkaImage
		a.end, err = startContainer(ctx, c, port)
	} else {
		a.Source = "the jars of Apache Kafka " + kafkaVersion
		a.jars, err = startJars(ctx, c, port)
		a.end = a.jars.end
	}
	if err != nil {
		return nil, err
	}
	return reach(ctx, a)
}

// reach waits until all brokers of the cluster answer, and prints what was found.
func reach(ctx context.Context, a *Apache) (*Apache, error) {
	var err error
	// The helpers ask as often as tests do, who want to know what is, not what was.
	if a.client, err = kgo.NewClient(append(a.Options(), kgo.MetadataMinAge(10*time.Millisecond))...); err != nil {
		return nil, fmt.Errorf("connecting to Kafka: %w", err)
	}
	if err := a.awaitBrokers(ctx); err != nil {
		_ = a.close() // the first error says more
		return nil, err
	}
	guess := "unknown"
	if versions, err := kadm.NewClient(a.client).ApiVersions(ctx); err == nil {
		for _, v := range versions {
			guess = v.VersionGuess()
		}
	}
	fmt.Fprintf(os.Stderr, "kafkatest: brokers from %s, %s, which speak Kafka %s\n", a.Source, strings.Join(a.Brokers, ","), guess)
	return a, nil
}

// awaitBrokers waits until as many brokers as there are addresses are in the cluster.
func (a *Apache) awaitBrokers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	want := len(a.Brokers)
	if a.end == nil {
		want = 1 // the addresses are to start from, and may be any number
	}
	for {
		found, err := kadm.NewClient(a.client).ListBrokers(ctx)
		if err == nil && len(found) >= want {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d brokers at %s, of which %d answered: %w", want, strings.Join(a.Brokers, ","), len(found), cmp.Or(err, ctx.Err()))
		}
	}
}

func (a *Apache) close() error {
	a.client.Close()
	if a.end == nil {
		return nil
	}
	return a.end()
}

// Listener gives the addresses of one of ApacheConfig.Listeners.
func (a *Apache) Listener(name string) []string { return a.listen[name] }

// Stop lets a broker stop in good order.
func (a *Apache) Stop(t testing.TB, broker int) { a.ended(t, broker, syscall.SIGTERM) }

// Kill ends a broker as a crash does.
func (a *Apache) Kill(t testing.TB, broker int) { a.ended(t, broker, syscall.SIGKILL) }

// Pause freezes a broker: its connections stay open and nothing answers.
func (a *Apache) Pause(t testing.TB, broker int) { a.send(t, broker, syscall.SIGSTOP) }

// Resume goes on with a frozen broker.
func (a *Apache) Resume(t testing.TB, broker int) { a.send(t, broker, syscall.SIGCONT) }

// Restart starts all brokers that do not run, with the data that they had, and waits
// until they are in the cluster again.
func (a *Apache) Restart(t testing.TB) {
	t.Helper()
	a.controlled(t)
	if err := a.jars.start(t.Context()); err != nil {
		t.Fatalf("restarting brokers: %v", err)
	}
	if err := a.awaitBrokers(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (a *Apache) ended(t testing.TB, broker int, s syscall.Signal) {
	t.Helper()
	a.send(t, broker, s)
	for {
		pid, err := a.jars.pid(t.Context(), broker)
		switch {
		case err != nil:
			t.Fatalf("looking at broker %d: %v", broker, err)
		case pid == 0:
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (a *Apache) send(t testing.TB, broker int, s syscall.Signal) {
	t.Helper()
	a.controlled(t)
	if err := a.jars.signal(t.Context(), broker, s); err != nil {
		t.Fatalf("sending %v to broker %d: %v", s, broker, err)
	}
}

func (a *Apache) controlled(t testing.TB) {
	t.Helper()
	if a.jars == nil {
		t.Fatal("the brokers are not ours to stop: the test needs OwnApache with Disturbed")
	}
}

// CreateTopic creates a topic until the test ends. Its replication is the cluster's
// default; configs are pairs of a setting and its value.
func (a *Apache) CreateTopic(t testing.TB, name string, partitions int32, configs ...string) {
	t.Helper()
	values := make(map[string]*string)
	for key, value := range pairs(configs) {
		values[key] = &value
	}
	admin := kadm.NewClient(a.client)
	if _, err := admin.CreateTopic(t.Context(), partitions, -1, values, name); err != nil {
		t.Fatalf("creating topic %s: %v", name, err)
	}
	awaitLed(t, a.client, name, int(partitions))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, _ = admin.DeleteTopic(ctx, name) // a test may have deleted it, or ended the brokers
	})
}

// Unique is a prefix for names of topics and groups that nobody else has.
func Unique() string {
	return fmt.Sprintf("t%x-%x.", time.Now().UnixNano(), os.Getpid())
}
