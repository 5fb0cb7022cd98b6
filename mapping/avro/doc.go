// Package avro reads events that were written in Avro, and writes events and outcomes
// in it. Its values are those of package mapping, so what follows does not know in
// which form an event came: every type becomes what its JSON form would hold.
//
// A Schema is a parsed schema. The library goavro turns bytes into Go values; a walk
// over the bytes goes before it, because goavro believes what hostile bytes say of
// their own size. Nothing here does I/O: internal/registry gets schemas by their id.
package avro
