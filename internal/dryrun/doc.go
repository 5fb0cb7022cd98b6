// Package dryrun plans events and sends no write: it prints the calls that each would cause at
// each destination. The events are those of a file, or the newest records of the source topics.
//
// Plans of dead letters, which can be applied, are made by redrive.
package dryrun
