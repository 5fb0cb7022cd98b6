// Package processor runs one pipeline: it reads one consumer group's share of the
// source topics, has each record delivered to one destination, records what became
// of it, and commits.
//
// It keeps three promises. Settle, then commit: an offset counts as settled when its
// outcome, and its dead letter if it has one, is acknowledged by Kafka, and the
// committed offset is the lowest that is not settled. A lane is a queue: the events of
// one user are delivered one at a time in the order of their partition, the next one
// when the outcome of the one before is acknowledged. Interrupted is not failed: an
// event that is left because the process stops or loses its partition is open as
// before, for the next owner.
//
// The responses topic is the ledger. A new owner of a partition reads the outcomes
// that may lie beyond the committed offset, found through the checkpoint in the commit's
// metadata, and delivers nothing again that has one.
//
// The package knows no destination; it is given a sink.Route.
package processor
