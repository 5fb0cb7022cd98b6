// Package desk describes help desks to the rest of the program.
//
// A help desk is one value, a Kind: its name, its settings, the limit that its vendor
// documents, and the way of an event to it. Configuration, JSON Schema, checks, wiring and
// documentation range over the list in desk/all and know no desk by name.
//
// A new desk x is mapping/x (events to steps), sink/x (steps to calls), internal/stub/x
// (a stub for tests), desk/x (its Kind) and one line in desk/all.
package desk
