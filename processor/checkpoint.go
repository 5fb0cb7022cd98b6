package processor

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// checkpoint is what a commit's metadata says besides the offset: every outcome of round 0
// that the group has for the partition at or above Committed lies at From or later in
// the partition's share of the responses topic. Written as one line,
//
//	1 <source topic id> <responses topic id> <n> <committed offset> <from>
//
// where 1 is the version, the ids are Kafka's in its own text form and n is the number
// of partitions of the responses topic.
type checkpoint struct {
	Source, Responses kadm.TopicID
	Partitions        int32
	Committed, From   int64
}

const checkpointVersion = "1"

func (m checkpoint) String() string {
	return fmt.Sprintf("%s %s %s %d %d %d", checkpointVersion, m.Source, m.Responses, m.Partitions, m.Committed, m.From)
}

// readCheckpoint reads the metadata of a commit and tells from where the ledger is to be
// read. want is the checkpoint as it must be but for From; end is the responses partition's
// end. Its error says why nothing can be read; errNoCheckpoint is an ordinary one.
func readCheckpoint(metadata string, want checkpoint, end int64) (from int64, err error) {
	if metadata == "" {
		return 0, errNoCheckpoint
	}
	fields := strings.Split(metadata, " ")
	if len(fields) != 6 || fields[0] != checkpointVersion {
		return 0, fmt.Errorf("the commit's metadata is not a checkpoint of version %s", checkpointVersion)
	}
	from, err = strconv.ParseInt(fields[5], 10, 64)
	if err != nil || from < 0 {
		return 0, fmt.Errorf("the checkpoint's position is not a number")
	}
	expected := strings.Split(want.String(), " ")
	for i, name := range []string{"", "source topic", "responses topic", "responses partitions", "committed offset"} {
		if fields[i] != expected[i] {
			return 0, fmt.Errorf("the checkpoint is of another %s", name)
		}
	}
	if from > end {
		return 0, fmt.Errorf("the checkpoint lies past the end of the responses topic")
	}
	return from, nil
}
