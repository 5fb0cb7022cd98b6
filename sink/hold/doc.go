// Package hold decides which events may call a destination now.
//
// A Gate lets a limited number of events in. When calls fail for a reason that concerns
// them all, the Gate holds: only one event at a time is tried, the probe, at growing
// intervals, until one is accepted or judged. A Breaker holds when too many events are
// rejected, and a person may hold a destination as well.
//
// The package knows no HTTP: callers report what became of their calls.
package hold
