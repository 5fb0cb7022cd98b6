package topics

import (
	"compress/gzip"

	"github.com/twmb/franz-go/pkg/kgo"
)

// largestBatch is the largest batch that a request of kgo's default size holds, which
// is also what a broker takes unless its socket.request.max.bytes says otherwise.
const largestBatch = 100 << 20

// LargeOptions are what Config.Large needs besides the options of the connection. The
// bound of a batch is left to the broker, and what is sent is compressed as well as
// possible: what came from a source with the same bound then has room for more.
func LargeOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(largestBatch),
		kgo.BrokerMaxWriteBytes(largestBatch),
		kgo.ProducerBatchCompression(kgo.GzipCompression().WithLevel(gzip.BestCompression)),
	}
}
