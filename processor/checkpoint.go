package processor

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// checkpoint is what a commit's metadata says besides the offset: every outcome of round 0
// that the group has for the partition at or above Committed lies at From or later in
// the partition's share of the responses topic. Written as one line,
//
//	2 <cluster id> <source topic id> <responses topic id> <n> <committed offset> <from>
//
// where 2 is the version, the ids are Kafka's in its own text form and n is the number
// of partitions of the responses topic. Version 1 has no cluster id, and is still read.
type checkpoint struct {
	Cluster           string // "" for none
	Source, Responses kadm.TopicID
	Partitions        int32
	Committed, From   int64
}

const checkpointVersion = "2"

// The checkpoint's fields behind the version, by which its readers call them.
var checkpointFields = []string{"cluster", "source topic", "responses topic", "responses partitions", "committed offset", "position"}

func (c checkpoint) String() string {
	// Kafka's own cluster ids need no escape; a blank would split the id in two.
	return fmt.Sprintf("%s %s %s %s %d %d %d", checkpointVersion, url.PathEscape(c.Cluster), c.Source, c.Responses, c.Partitions, c.Committed, c.From)
}

// parseCheckpoint reads the metadata of a commit, of version 1 or 2. errNoCheckpoint is an
// ordinary error.
func parseCheckpoint(metadata string) (checkpoint, error) {
	if metadata == "" {
		return checkpoint{}, errNoCheckpoint
	}
	version, rest, _ := strings.Cut(metadata, " ")
	fields := strings.Split(rest, " ")
	if version == "1" {
		fields = append([]string{""}, fields...)
	}
	if version != "1" && version != checkpointVersion || len(fields) != len(checkpointFields) {
		return checkpoint{}, fmt.Errorf("the commit's metadata is not a checkpoint of version 1 or %s", checkpointVersion)
	}
	var c checkpoint
	var errs [6]error
	c.Cluster, errs[0] = url.PathUnescape(fields[0])
	c.Source, errs[1] = parseTopicID(fields[1])
	c.Responses, errs[2] = parseTopicID(fields[2])
	var n int64
	n, errs[3] = parseCount(fields[3], 32)
	c.Partitions = int32(n)
	c.Committed, errs[4] = parseCount(fields[4], 64)
	c.From, errs[5] = parseCount(fields[5], 64)
	for i, err := range errs {
		if err != nil {
			return checkpoint{}, fmt.Errorf("the checkpoint's %s cannot be read: %w", checkpointFields[i], err)
		}
	}
	return c, nil
}

var errNotANumber = errors.New("not a number from 0 up")

func parseCount(text string, bits int) (int64, error) {
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil || n < 0 {
		return 0, errNotANumber
	}
	return n, nil
}

// parseTopicID reads what kadm.TopicID.String gives.
func parseTopicID(text string) (kadm.TopicID, error) {
	var id kadm.TopicID
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(bytes) != len(id) {
		err = errors.New("not a topic id")
	}
	if err == nil {
		copy(id[:], bytes)
	}
	return id, err
}

// sameCluster reports whether the checkpoint is known to be of the cluster that now is of.
// Where one of them names none, as version 1 and some services do, the id of the responses
// topic proves it: no two topics have the same.
func (c checkpoint) sameCluster(now checkpoint) bool {
	if c.Cluster != "" && now.Cluster != "" {
		return c.Cluster == now.Cluster
	}
	return c.Responses == now.Responses && c.Responses != kadm.TopicID{}
}

// isOfEarlierTopic reports whether the offset is of a topic of this cluster that had the
// source's name before: it says nothing of the topic that has the name now.
func (c checkpoint) isOfEarlierTopic(now checkpoint) bool {
	return !sameID(c.Source, now.Source) && c.sameCluster(now)
}

// sameID reports whether two ids can be of one topic. A broker without ids gives zero.
func sameID(a, b kadm.TopicID) bool {
	return a == b || a == kadm.TopicID{} || b == kadm.TopicID{}
}

// check reports why the ledger cannot be read from c.From on. now is the checkpoint as it
// would be today but for From; end is the responses partition's end.
func (c checkpoint) check(now checkpoint, end int64) error {
	for i, same := range []bool{
		c.Cluster == now.Cluster || c.Cluster == "" || now.Cluster == "",
		sameID(c.Source, now.Source), sameID(c.Responses, now.Responses),
		c.Partitions == now.Partitions, c.Committed == now.Committed,
	} {
		if !same {
			return fmt.Errorf("the checkpoint is of another %s", checkpointFields[i])
		}
	}
	if c.From > end {
		return errors.New("the checkpoint lies past the end of the responses topic")
	}
	return nil
}
