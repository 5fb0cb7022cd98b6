// Package config reads the configuration file, checks it and describes it.
//
// The structs are the single source: their tags give every key, default, range,
// choice and description, and the reader, the list of known keys and the JSON
// Schema are made from them by reflection.
//
// The file is YAML and read strictly. All problems are reported at once, each with
// its place: see Problems. ${NAME}, ${NAME:-default} and ${file:PATH} are replaced
// in scalars after the file was parsed, so what they bring in is never structure.
// No secret shows in a problem.
//
// Tags: yaml is the key, default its value as the file would spell it (lists by
// commas), enum the choices, min and below the range of a number, and doc the
// description.
package config
