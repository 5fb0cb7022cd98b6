package kafkatest

import (
	"context"
	"net"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// virtualPort is where the first broker of a virtual network listens. Every network
// has ports of its own, so that all may use the same.
const virtualPort = 9092

// Cluster is a running cluster. The embedded kfake.Cluster has what the helpers
// lack: controls, faults, groups, partition leaders. It is nil for Apache Kafka.
type Cluster struct {
	*kfake.Cluster
	// Brokers are the addresses to start from, "127.0.0.1:port".
	Brokers []string

	network *kfake.VirtualNetwork
	client  *kgo.Client // of the helpers, nil: each takes one of its own
}

type options struct {
	topics  []topic
	fake    []kfake.Opt
	virtual bool
}

type topic struct {
	name       string
	partitions int32
	configs    map[string]string
}

// Option shapes a cluster.
type Option func(*options)

// Topic creates a topic; configs are pairs of a setting and its value.
func Topic(name string, partitions int32, configs ...string) Option {
	return func(o *options) {
		o.topics = append(o.topics, topic{name: name, partitions: partitions, configs: pairs(configs)})
	}
}

// Virtual puts the cluster on a network without sockets, for use in a
// testing/synctest bubble: call Kafka inside of it.
func Virtual() Option { return func(o *options) { o.virtual = true } }

// Fake passes options to kfake. A virtual cluster has one broker.
func Fake(opts ...kfake.Opt) Option {
	return func(o *options) { o.fake = append(o.fake, opts...) }
}

// Kafka starts a cluster, of one broker unless Fake says otherwise, and stops it
// when the test ends.
func Kafka(t testing.TB, opts ...Option) *Cluster {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	c := &Cluster{}
	fake := append([]kfake.Opt{kfake.NumBrokers(1)}, o.fake...)
	if o.virtual {
		c.network = new(kfake.VirtualNetwork)
		fake = append(fake, kfake.Ports(virtualPort), kfake.ListenFn(c.network.Listen))
	}
	cluster, err := kfake.NewCluster(fake...)
	if err != nil {
		t.Fatalf("starting Kafka: %v", err)
	}
	t.Cleanup(cluster.Close)
	c.Cluster, c.Brokers = cluster, cluster.ListenAddrs()
	for _, topic := range o.topics {
		if err := cluster.CreateTopic(topic.name, topic.partitions, topic.configs); err != nil {
			t.Fatalf("creating topic %s: %v", topic.name, err)
		}
	}
	return c
}

func pairs(texts []string) map[string]string {
	m := make(map[string]string, len(texts)/2)
	for i := 0; i+1 < len(texts); i += 2 {
		m[texts[i]] = texts[i+1]
	}
	return m
}

// Options are what any client of the cluster needs: the brokers and, on a virtual
// network, the way to them.
func (c *Cluster) Options() []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(c.Brokers...)}
	if c.network != nil {
		opts = append(opts, kgo.Dialer(c.network.DialContext))
	}
	if c.Cluster == nil {
		// A broker that comes back closes connections until it has started, which by
		// itself the client takes for a setting that is wrong.
		opts = append(opts, kgo.AlwaysRetryEOF())
	}
	return opts
}

// Dial opens a connection to a broker, for a test that puts itself between.
func (c *Cluster) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if c.network != nil {
		return c.network.DialContext(ctx, network, address)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// Client connects to the cluster until the test ends.
func (c *Cluster) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl := c.connect(t, opts...)
	t.Cleanup(cl.Close)
	return cl
}

// connect makes a client of a test's own. The statistics that a client sends to the brokers,
// when it closes at the latest, take longer than what a test does with it.
func (c *Cluster) connect(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(slices.Concat(c.Options(), []kgo.Opt{kgo.DisableClientMetrics()}, opts)...)
	if err != nil {
		t.Fatalf("connecting to Kafka: %v", err)
	}
	return cl
}

// Admin is an admin client of the cluster until the test ends.
func (c *Cluster) Admin(t testing.TB, opts ...kgo.Opt) *kadm.Client {
	t.Helper()
	return kadm.NewClient(c.Client(t, opts...))
}
