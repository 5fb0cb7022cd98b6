// Package delivery delivers events from a file to the help desks, without Kafka, and prints one
// outcome per event and destination.
//
// It keeps the order of each lane: what follows an open event in its lane stays open, too. It
// repeats no event, keeps nothing between two runs and knows no command line.
package delivery
