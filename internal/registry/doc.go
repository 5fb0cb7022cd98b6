// Package registry gets Avro schemas from a Confluent schema registry: by their id, for
// decoders, and the id of the schema that outcomes are written with.
//
// A schema's id never changes its meaning, so what was found is kept. That an id is
// unknown is believed only when the registry itself says so, and for a short while:
// everything else that goes wrong is a registry that is down, and whoever asked waits.
package registry
