// Package explain tells what the topics know of one event or of one dead letter: where it was
// read, its calls and responses, why it died, and what became of it since.
//
// It asks no running process and no help desk.
package explain
