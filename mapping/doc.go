// Package mapping turns a record's value into an event and looks values up in it.
//
// A Reader knows where a record has its event and its fields (Layout), and a Decoder
// reads one form of values, JSON or Avro. Both also find single values, an event's lane
// or id, without building the event.
//
// The packages below it, one per help desk, say what to tell that help desk about
// an event. All of it is pure: the same bytes give the same answer, with no I/O, no
// clock, no randomness and no knowledge of Kafka or HTTP. A fault found here is
// the event's own, so it is never retried: see Error.
//
// Values keep what JSON in Go usually loses: the order of an object's members and
// the literal of every number, so that no id or amount loses a digit on its way.
package mapping
