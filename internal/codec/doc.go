// Package codec reads and writes the records of one deployment: events and outcomes, in JSON
// or in Avro, with a schema from a file or from a schema registry, as the configuration says.
//
// It is what mapping, mapping/avro and internal/registry are together for one configuration.
package codec
