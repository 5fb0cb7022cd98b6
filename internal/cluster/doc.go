// Package cluster connects to Kafka, or says why that fails and which setting to change.
//
// It makes the options of every client (addresses, TLS, SASL), describes and creates the
// topics, and checks the rights, versions and settings that a pipeline needs before one
// starts. Errors in the configuration are config.UsageErrors; a refusal that waiting cannot
// end is a RefusedError.
//
// It knows no pipeline and no help desk, and reads no records.
package cluster
