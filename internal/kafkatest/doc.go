// Package kafkatest gives tests a Kafka cluster of their own and short ways to fill,
// read and disturb it.
//
// The cluster is kfake, in the test's process. With Virtual it runs, clients
// included, inside a testing/synctest bubble, where an hour of back-off or of group
// life takes no time. Whatever goes wrong in a helper ends the test.
package kafkatest
