// Package scan reads topics from one end to the other, as commands do that look at
// dead letters, outcomes and events from outside.
//
// It joins no group and commits nothing. What a topic holds is found out once, before
// the reading; what is written later is not read, so that a reading of a busy topic
// ends. Records are handed over one at a time and not kept.
package scan
