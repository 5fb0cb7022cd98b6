// Package ndjson reads files of events, one JSON value to a line. Reading ends when its context
// does, also while a pipe is silent.
//
// It does not look at what a line holds.
package ndjson
