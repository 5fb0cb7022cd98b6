// Package produce writes events to a source topic: those of a file, or events of a web shop that
// it makes up.
//
// It checks that a line is an event and no more; what the event means is for run to find out.
// Made-up events go to stub help desks only. It knows no command line.
package produce
