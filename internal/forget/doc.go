// Package forget removes from Kafka what is kept of a person: the keys of tickets, and what export copied
// of the help desks. It names the topics that keep the rest until their retention ends.
package forget
