//go:build kafka

package main

import (
	"flag"
	"testing"
)

// pairs is how many pairs of an opening and a closing event TestKafka_keys... has, ten for each key.
var pairs = flag.Int("pairs", 400, "pairs of events that open and close a ticket by its key")

// The instances join and leave, partitions are added in the middle, and dlq apply runs beside.
func TestKafka_keysEachTicketIsOpenedOnceAndClosedOnce(t *testing.T) {
	t.Parallel()
	newBills(t, real(t, worldOptions{sources: 4, others: 4}), *pairs/10).live(10)
}
