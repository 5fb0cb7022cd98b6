#!/usr/bin/env bash
# github.com/linkedin/goavro/v2 v2.15.0: in Avro's JSON encoding the member that names the branch of
# a union has the logical type in it: {"long.timestamp-millis":5}. goavro writes that, and
# refuses {"long":5} with "cannot determine codec".
#
# One would expect {"long":5}: the specification has the type's name there, and a logical
# type has none. A nullable timestamp, date or decimal, a common field of events, cannot be
# read from the JSON of other libraries; a field without a logical type can.
#
# Seen: {"long":5}, {"int":3} and {"bytes":"\u0004\u00e2"} are refused for a nullable
# timestamp-millis, date and decimal; {"long":5} is read for a nullable long; fastavro
# 1.13.1 reads all four.
#
# Exits 0 while that is so. Needs Go, and Python 3 with pip.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > cases.json <<'JSON'
[
 {"schema":"long", "value":{"long":5}},
 {"schema":{"type":"long","logicalType":"timestamp-millis"}, "value":{"long":5}},
 {"schema":{"type":"int","logicalType":"date"}, "value":{"int":3}},
 {"schema":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}, "value":{"bytes":"\u0004\u00e2"}}
]
JSON
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/linkedin/goavro/v2"
)

func record(field json.RawMessage) string {
	return fmt.Sprintf(`{"type":"record","name":"E","fields":[{"name":"f","type":["null",%s]}]}`, field)
}

func main() {
	text, err := os.ReadFile("cases.json")
	check(err)
	var cases []struct{ Schema, Value json.RawMessage }
	check(json.Unmarshal(text, &cases))
	for i, c := range cases {
		codec, err := goavro.NewCodec(record(c.Schema))
		check(err)
		_, _, err = codec.NativeFromTextual(fmt.Appendf(nil, `{"f":%s}`, c.Value))
		fmt.Printf("goavro reads %s as [null,%s]: %v\n", c.Value, c.Schema, err == nil)
		if (err == nil) != (i == 0) {
			os.Exit(1)
		}
	}
	codec, err := goavro.NewCodec(record(cases[1].Schema))
	check(err)
	out, err := codec.TextualFromNative(nil, map[string]any{"f": map[string]any{"long.timestamp-millis": time.UnixMilli(5).UTC()}})
	check(err)
	fmt.Printf("goavro writes %s\n", out)
	if string(out) != `{"f":{"long.timestamp-millis":5}}` {
		os.Exit(1)
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
go run .

python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check fastavro==1.13.1
cat > main.py <<'PY'
import io, json
from fastavro import json_reader, parse_schema

for case in json.load(open("cases.json")):
    schema = parse_schema({"type": "record", "name": "E", "fields": [{"name": "f", "type": ["null", case["schema"]]}]})
    text = json.dumps({"f": case["value"]})
    print("fastavro reads", text, "as", next(json_reader(io.StringIO(text), schema))["f"])
PY
env/bin/python main.py
