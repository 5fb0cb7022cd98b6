// Package output writes for people: texts that are safe on a terminal, on one line and cut
// to a length, counts, times, and a line of progress.
//
// Everything that a command prints goes through a Writer. A text that another program wrote
// goes through Printf, Line or Words as well, so that it cannot look like a line of ours.
package output
