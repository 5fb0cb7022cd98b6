package processor

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/topics"
	"github.com/deskstream/deskstream/sink/traces"
)

// Protocol is a consumer group's protocol.
type Protocol string

// The protocols.
const (
	Classic  Protocol = "classic"  // cooperative rebalancing by the clients
	Consumer Protocol = "consumer" // KIP-848, rebalancing by the broker
)

// Start is where a group begins with a topic that it has no offset of: at the oldest
// record, at the log's end when the group first sees the topic, or at the first record with
// a timestamp of At or later. Partitions that are added later begin at their oldest record,
// or at At. The zero Start is the oldest.
type Start struct {
	Latest bool
	At     time.Time
}

// String is the start as the configuration has it.
func (s Start) String() string {
	switch {
	case s.Latest:
		return "latest"
	case s.At.IsZero():
		return "earliest"
	default:
		return s.At.UTC().Format(time.RFC3339)
	}
}

// OwnTopic is a topic whose records are JSON and read by a reader of their own, whatever form events
// have; the zero OwnTopic is none.
type OwnTopic struct {
	Topic string
	// Reader reads the records, and finds the lane that orders one.
	Reader *mapping.Reader
}

// Limits limit what a pipeline keeps in memory. Where one is reached, intake waits.
type Limits struct {
	// Records is how many records may be open.
	Records int
	// Bytes is how much their keys, values and headers may take.
	Bytes int64
	// Lanes is how many lanes may have an open record.
	Lanes int
	// Span is, per partition, how far the newest record may be from the committed offset.
	Span int64
}

// Config is one pipeline.
type Config struct {
	// Topics are the topics that are read, one at least: those of events, and Calls.Topic.
	Topics []string
	// Calls is the one of them whose records are API requests, Inbound the one with what help desks
	// send.
	Calls, Inbound OwnTopic
	// OwnUser returns the id or e-mail address of the user of a destination's desk by whom this program
	// writes, "" for an unknown one. It is asked about events of Inbound only.
	OwnUser func(ctx context.Context, destination string) string
	// Connection are the options of the Kafka clients: brokers, TLS, SASL, client id.
	Connection []kgo.Opt
	// Cluster is the id of the Kafka cluster, "" where it has none.
	Cluster string
	// Group is the consumer group, <source.group>.<destination>.
	Group string
	// InstanceID makes the membership static, "" does not.
	InstanceID string
	// Protocol is the group's; "" is Classic.
	Protocol Protocol
	// SessionTimeout is the classic protocol's.
	SessionTimeout time.Duration
	// ReadUncommitted takes records of open and aborted transactions too.
	ReadUncommitted bool
	// Start is where the group begins without offsets.
	Start Start
	// Destinations are the names of all destinations of the configuration. An outcome of
	// another one can be of the predecessor of this one. See RedeliveryError.
	Destinations []string
	// Redeliver has a group without offsets begin, whatever outcomes there are.
	Redeliver bool
	// CommitInterval is the time between two commits.
	CommitInterval time.Duration
	// Dedup is for how long after an event was delivered or skipped other records of its
	// partition with its message id are skipped as its repeats; 0: never.
	Dedup time.Duration
	// Coalesce has events of one lane go out as one, where the Route can. Then intake reads up to
	// Limits, so that they are seen.
	Coalesce bool
	// DrainTimeout is how long calls that are in flight may take to complete when the
	// process stops or a partition is taken away.
	DrainTimeout time.Duration
	// Reader finds the lane that orders a record.
	Reader *mapping.Reader
	// Decoders find what reads a record's value; nil: all values are JSON.
	Decoders Decoders
	// Priorities say how urgent events are; nil: all alike. With them intake reads up to Limits, so
	// that what is urgent is seen.
	Priorities Priorities
	Limits     Limits
	// Topic facts, as found at the start.
	ResponsesMaxBytes, DeadLettersMaxBytes int32
	// SourcePartitions is how many partitions each of Topics had at the start.
	SourcePartitions map[string]int32
	// Divided, if set, is called with how many of the source partitions are ours and how many
	// there are, whenever one of the two may have changed. It must not block.
	Divided func(ours, all int)
	// Writer says how outcomes and dead letters are written.
	Writer topics.Config
	// Rules are the names of the destination's rules, which its metrics show.
	Rules []string
	// Tracer makes the traces of events; nil: none.
	Tracer *traces.Tracer
	// Metrics is where the pipeline's metrics are registered; nil for nowhere.
	Metrics prometheus.Registerer
}

// Decoders find what reads the values of records, as these or their headers say. They are
// used by many goroutines.
type Decoders interface {
	// Known is the decoder of a record's value, false if it has to be asked for.
	Known(r *kgo.Record) (mapping.Decoder, bool)
	// Find asks for as long as there is no answer. The error is the cause of ctx's end.
	Find(ctx context.Context, r *kgo.Record) (mapping.Decoder, error)
}

// Priorities say how urgent events are. They are used by many goroutines.
type Priorities interface {
	// Of is the priority of the event in a record's value. begun is the rule by which it has begun,
	// nil for one that has not.
	Of(reader *mapping.Reader, d mapping.Decoder, value []byte, begun *mapping.RuleMark) mapping.Priority
	// OfCalls is the priority of records of Calls.Topic.
	OfCalls() mapping.Priority
}

// rebalanceTimeout is how long a member may take to release its partitions. It is
// longer than the longest DrainTimeout that a configuration may have.
const rebalanceTimeout = 60 * time.Second
