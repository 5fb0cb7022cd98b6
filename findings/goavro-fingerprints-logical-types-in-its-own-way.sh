#!/usr/bin/env bash
# github.com/linkedin/goavro/v2 v2.15.0: Codec.Rabin, and with it the eight bytes behind C3 01 of
# SingleFromNative, differ from the fingerprint of the Avro specification when a schema has
# a logical type, or a record with a namespace of its own inside another.
#
# One would expect the parsing canonical form of the specification, since CanonicalSchema
# says so: it drops logicalType and writes a primitive as its bare name. goavro leaves
# {"type":"long"} there, and puts the outer namespace before a nested one (a.b.a.b.c.P). So
# what goavro writes as a single object is of an unknown schema to other libraries, and the
# other way round, for most real schemas; a test with plain fields does not show it.
#
# Seen beside fastavro 1.13.1: the same fingerprint for a record of an int; for a timestamp,
# and for a nested namespace, another one.
#
# Exits 0 while that is so. Needs Go, and Python 3 with pip.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > schemas.json <<'JSON'
[
 {"type":"record","name":"E","fields":[{"name":"n","type":"int"}]},
 {"type":"record","name":"E","fields":[{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}}]},
 {"type":"record","name":"E","namespace":"a.b","fields":[{"name":"p","type":{"type":"record","name":"P","namespace":"a.b.c","fields":[{"name":"n","type":"int"}]}}]}
]
JSON
cat > main.go <<'GO'
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/linkedin/goavro/v2"
)

func main() {
	text, err := os.ReadFile("schemas.json")
	check(err)
	var schemas []json.RawMessage
	check(json.Unmarshal(text, &schemas))
	for i, s := range schemas {
		codec, err := goavro.NewCodec(string(s))
		check(err)
		if i == 1 {
			single, err := codec.SingleFromNative(nil, map[string]any{"at": time.UnixMilli(5)})
			check(err)
			if binary.LittleEndian.Uint64(single[2:]) != codec.Rabin {
				os.Exit(1)
			}
		}
		fmt.Printf("%016x %s\n", codec.Rabin, codec.CanonicalSchema())
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
GO
go mod init example.test/finding >/dev/null 2>&1
go get github.com/linkedin/goavro/v2@v2.15.0 >/dev/null 2>&1
go run . > goavro.txt

python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check fastavro==1.13.1
cat > main.py <<'PY'
import json, sys
from fastavro.schema import fingerprint, to_parsing_canonical_form

same = []
for line, schema in zip(open("goavro.txt"), json.load(open("schemas.json"))):
    theirs, form = line.rstrip("\n").split(" ", 1)
    canonical = to_parsing_canonical_form(schema)
    ours = bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))[::-1].hex()  # low byte first there
    same.append(theirs == ours)
    print("goavro   ", theirs, form)
    print("fastavro ", ours, canonical)
sys.exit(0 if same == [True, False, False] else 1)
PY
env/bin/python main.py
