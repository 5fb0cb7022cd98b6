// Package holds keeps the holds of operators on the topic of the letters' states, so that a new
// instance finds them and all instances follow them.
//
// A hold is a record hold/<group>; a record without a value ends it. All lie in one partition. A
// Book reads them before an instance's first call, and then as they are written. Where the topic
// does not exist, or may not be used, holds are those of the process, as long as it runs.
package holds
