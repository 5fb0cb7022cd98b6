// Package journal reads the topics of one deployment from outside: events of the source
// topics, outcomes, dead letters and their states. Redrive, audit and explain work on it.
//
// It asks no running process and no help desk, joins no group and commits nothing. What a
// topic holds is found out once, before the reading; records that are written later are not
// read, so that reading a busy topic ends. Records are handed over one at a time and not kept.
// Where a topic has lost its beginning, a note says so.
//
// Which outcome, letter and state belong to one record is decided here: see Record.
package journal
