package topics

import "strings"

// holdPrefix begins the keys of records of the topic of states that are an operator's hold.
const holdPrefix = "hold/"

// HoldPartition is the partition of the topic of states that has the holds: one, so that what is
// newest is known, also after the topic got more partitions.
const HoldPartition = 0

// HoldKey is the key of the record that holds the destination of a group. CONTRACT: hold DESTINATION.
func HoldKey(group string) []byte { return []byte(holdPrefix + group) }

// HoldGroup is the group of a HoldKey, "" for a key that is none.
func HoldGroup(key []byte) string {
	group, ok := strings.CutPrefix(string(key), holdPrefix)
	if !ok {
		return ""
	}
	return group
}
