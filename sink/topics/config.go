package topics

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Dialect is a set of dead-letter headers that another tool reads.
type Dialect string

// The dialects.
const (
	Connect   Dialect = "connect"   // Kafka Connect, KIP-298
	Spring    Dialect = "spring"    // Spring for Apache Kafka
	KIP1191   Dialect = "kip1191"   // the broker's dead letters for share groups
	XOriginal Dialect = "xoriginal" // x-original-*, as Spring Cloud Stream and many others write
	Streams   Dialect = "streams"   // Kafka Streams, KIP-1034
)

// Config says where one pipeline's records go and what they say of it.
type Config struct {
	// Responses is the topic of outcomes.
	Responses string
	// Bodies keeps the bodies of requests and answers in outcomes.
	Bodies bool
	// Encode, if set, makes an outcome's value from its JSON, for a topic in another
	// form.
	Encode func(text []byte) ([]byte, error)
	// DeadLetters is the topic of dead letters.
	DeadLetters string
	// Dialects are the headers of other tools that letters carry besides dlq.*.
	Dialects []Dialect

	// Keys is the topic of keys, "" where no rule has one; KeyPartitions is how many partitions it
	// has.
	Keys          string
	KeyPartitions int32

	// Group is the pipeline's consumer group.
	Group string
	// Destination and DestinationType are the pipeline's name and its help desk.
	Destination, DestinationType string

	// AppVersion says in letters who failed. It is left out when empty.
	AppVersion string

	// Large, if set, sends what the usual client cannot: records that are larger than
	// the topic takes before they are compressed, and those of a batch that was larger
	// than the topic takes, each in a batch of its own. See LargeOptions. Without it such records are made smaller at once.
	Large *kgo.Client
	// Remade, if set, is called when a topic did not take a record, handed over at sent,
	// because it is not the topic any more that the client knows: it may have been
	// deleted and recreated.
	Remade func(topic string, sent time.Time)

	// Failed, if set, is called for each time that a topic did not take a record;
	// reason is Kafka's name of the error, or one of "client_closed" and "other".
	Failed func(topic, reason string)
}
