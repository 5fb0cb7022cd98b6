// Package trail follows events through the topics alone: where one was read, what
// became of it at each destination, and whether all of them have an outcome.
//
// It asks no running process and no help desk. What it needs is on the source topics,
// the responses topic, the dead-letter topic and the topic of the letters' states, and
// where one of them has lost its beginning, it says from where on it can tell.
package trail
