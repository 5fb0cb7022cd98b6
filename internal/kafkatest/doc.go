// Package kafkatest gives tests a Kafka cluster of their own and short ways to fill,
// read and disturb it.
//
// The cluster is kfake, in the test's process. With Virtual it runs, clients
// included, inside a testing/synctest bubble, where an hour of back-off or of group
// life takes no time. Whatever goes wrong in a helper ends the test.
//
// With the build tag kafka there is Apache Kafka too: one cluster that the tests of a
// package share, and clusters of a test's own, with brokers that can be stopped and
// configured. The brokers are those of KAFKA_BROKERS, or run in Docker, or run from the
// jars that Apache Kafka publishes; KAFKATEST_WAY (brokers, docker, jars) chooses.
package kafkatest
