// Package schemas holds the Avro schemas that the program comes with, as the files
// beside it.
package schemas

import _ "embed" // for the files

// Outcome is the schema of outcomes. A change of it has to stay compatible, in both
// directions, with every version that was released: see docs/avro.md.
//
//go:embed outcome.avsc
var Outcome string

// Event is an example of a schema of events.
//
//go:embed event.avsc
var Event string
