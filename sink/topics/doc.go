// Package topics writes what became of events to Kafka: outcomes to the responses
// topic and, before them, dead letters to theirs.
//
// A Writer does not give up. Whatever the broker answers, a record is produced again
// until it is acknowledged or its context ends, because the lane of its event waits
// for it and its offset may not be committed before. A record that its topic does
// not take for its size is made smaller first: an outcome loses the bodies, then
// the calls; a letter loses the headers that other tools read, then the long texts
// of ours. Key, value and headers of the original are never touched.
//
// A record may be written more than once, when an acknowledgement was lost. Outcomes
// are told apart by ParseEntry's coordinates, letters by the header dlq.id, which is
// the same for the same event, destination and round.
//
// The other side of the responses topic is here, too: ParseEntry reads from an
// outcome's headers which record it settled.
package topics
