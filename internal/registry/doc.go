// Package registry gets Avro schemas from a Confluent schema registry: by their id, for
// decoders, and the id of the schema that outcomes are written with.
//
// Decoders finds the id of a record's schema in its headers or its value, and says of the
// forms that it cannot ask for which setting reads them.
//
// A schema's id never changes its meaning, so what was found is kept. That an id is
// unknown is believed only when the registry itself says so, at all addresses that answer
// and for longer than one lags: everything else that goes wrong is a registry that
// is down, and whoever asked waits.
package registry
