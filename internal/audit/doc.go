// Package audit checks from the topics alone that every event has its outcome: each record of
// the source topics one of round 0, each dead event its letter, and each letter that was
// applied the outcome of its round.
//
// It asks no running process and no help desk. Where a topic has lost its beginning, it audits
// from where all topics still have what is needed.
package audit
