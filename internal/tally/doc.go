// Package tally counts what came in and what became of it, and checks that it adds up.
//
// It knows nothing of what the processor thinks it did. It is given what stands on the
// topics (events, outcomes, dead letters) and what the stub help desks received, and
// compares: every event has one outcome per destination, every dead one its letter,
// every call that a help desk saw is one that an outcome lists, nothing was done twice
// unless an answer was lost, and the calls of one lane came in the order of its events.
package tally
