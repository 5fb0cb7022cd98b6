// Package registrytest gives tests a real schema registry, as internal/kafkatest gives
// them brokers: with the build tag kafka, Apicurio as it is published.
package registrytest
