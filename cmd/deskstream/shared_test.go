//go:build !kafka

package main

// endShared ends what the tests of this package share: nothing, without Apache Kafka.
func endShared() {}
