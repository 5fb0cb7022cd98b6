// Package budget spends the calls that a help desk allows to one credential.
//
// A Budget starts with the configured Rate and learns from the headers of responses. It
// divides the limit among instances by their share of the partitions, and lends itself
// what others leave over towards the end of a window. A part is reserved for people.
package budget
