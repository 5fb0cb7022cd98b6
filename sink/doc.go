// Package sink delivers one event to one help desk over HTTP and says what became of it.
//
// A Session carries
// one event through all of its calls: it waits for its turn (hold.Gate), for the
// rate budget (budget.Budget) and for its back-off (Policy), makes an attempt and judges the response, and keeps the list of calls. The
// packages below this one, one per help desk, decide which calls an event needs;
// they see a Session only as a Doer.
//
// A Route ties a help desk's mapping and its calls together and gives the Outcome:
// delivered, skipped or dead. An event that had to be left because the process
// stops or lost its partition has none: ErrInterrupted is no verdict.
//
// The package knows nothing of Kafka.
package sink
