// Package redrive sends dead letters again: Plan says what sending them would do now, Apply
// does it, and Discard records that letters will not be sent.
//
// A plan asks the help desks with lookups only. Apply plans each letter again before it sends
// it, keeps the order of each user's events, begins with one letter and then ten, and records
// each outcome and state before it goes on, so that it can be stopped and run again. One
// process at a time sends letters to a destination.
//
// It knows no command line: it gets a Deployment and options.
package redrive
