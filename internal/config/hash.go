package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// paceOnly are the keys of a destination that say how fast events go, or what its desk sends, and
// nothing about what becomes of an event.
var paceOnly = []string{"start", "delivery.max_in_flight", "delivery.rate_limit", "delivery.coalesce", "delivery.trace_calls", "delivery.priority", "rules[].priority", "webhooks", "trengo.time_zone"}

// index is a place in a list.
var index = regexp.MustCompile(`\[[0-9]+\]`)

// Hash names the settings that decide about an event at a destination: 16 hexadecimal
// digits, the same in every process that has the same settings. Credentials make no
// difference, nor does how fast events go.
func (c *Config) Hash(d Destination) string {
	var text strings.Builder
	write := func(path string, v any) { canonical(&text, path, reflect.ValueOf(v)) }
	write("", d)
	write("source.format", c.Source.Format)
	write("source.schema_file", c.Source.SchemaFile)
	write("source.fields", c.Source.Fields)
	write("source.unwrap", c.Source.Unwrap)
	write("source.no_ids", c.Source.NoIDs)
	write("lane", c.Lane)
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:8])
}

// canonical writes a value line by line, each with its path. The address of a block makes
// no difference, and a map is written in the order of its keys.
func canonical(b *strings.Builder, path string, v reflect.Value) {
	if slices.Contains(paceOnly, index.ReplaceAllString(path, "[]")) || v.Type() == secretType {
		return
	}
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		canonical(b, path, v.Elem())
	case v.Kind() == reflect.Pointer: // a block that is not given
	case isBlock(v.Type()):
		if word, ok := wordOf(v.Type()); ok {
			canonical(b, path, word.in(v))
		}
		for _, f := range fieldsOf(v.Type()) {
			canonical(b, join(path, f.key), f.in(v))
		}
	case v.Kind() == reflect.Slice:
		fmt.Fprintf(b, "%s has %d\n", path, v.Len())
		for i := range v.Len() {
			canonical(b, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case v.Kind() == reflect.Map:
		names := make([]string, 0, v.Len())
		for _, name := range v.MapKeys() {
			names = append(names, name.String())
		}
		slices.Sort(names)
		for _, name := range names {
			// Of a secret this is [redacted].
			fmt.Fprintf(b, "%s %q: %q\n", path, name, fmt.Sprint(v.MapIndex(reflect.ValueOf(name)).Interface()))
		}
	default:
		fmt.Fprintf(b, "%s: %q\n", path, fmt.Sprint(v.Interface()))
	}
}
