// Package keys holds the keys of tickets: which ticket an event of a user finds again by a key
// that a rule gives it, as "the ticket of invoice A-7". CONTRACT: Keys live on.
//
// A Store is what one process knows of the keys of one destination, a million of them in at most
// 128 bytes each. It is filled from Kafka, in the order of the topic (package topics), and says
// of two records of a key which counts: that of the later event. It does no I/O.
package keys
