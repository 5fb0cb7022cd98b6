package avro_test

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping/avro"
)

func TestParse_refusesBrokenSchemasAndSaysWhy(t *testing.T) {
	field := func(typ string) string { return record(`{"name":"x","type":` + typ + `}`) }
	const in = "reading the schema: field com.example.Event.x: "
	for name, c := range map[string]struct{ schema, want string }{
		"no JSON":                     {`{"type":`, "reading the schema: it is not JSON"},
		"empty":                       {``, "reading the schema: it is not JSON"},
		"more text":                   {`"int" "int"`, "reading the schema: it is not JSON"},
		"a number":                    {`7`, "reading the schema: a type is neither a name, a list nor an object"},
		"null":                        {`null`, "reading the schema: a type is neither a name, a list nor an object"},
		"no type":                     {`{"name":"x"}`, "reading the schema: a type is not given"},
		"a type of null":              {`{"type":null}`, "reading the schema: a type is not given"},
		"a primitive":                 {`"string"`, "the schema is of string, and an event is a record"},
		"a primitive without quotes":  {`int`, "the schema is of int, and an event is a record"},
		"a list":                      {`{"type":"array","items":"int"}`, "the schema is of array, and an event is a record"},
		"an enum":                     {`{"type":"enum","name":"E","symbols":["A"]}`, "the schema is of enum, and an event is a record"},
		"only null":                   {`"null"`, "the schema is of null, and an event is a record"},
		"a union of null":             {`["null"]`, "the schema is of null, and an event is a record"},
		"a union with text":           {`["null","string"]`, "the schema is of a union with string, and an event is a record"},
		"an empty union":              {`[]`, "reading the schema: a union is empty"},
		"an empty union in a field":   {field(`[]`), in + "a union is empty"},
		"a union in a union":          {field(`["null",["int","string"]]`), in + "a union holds a union"},
		"an unknown type":             {field(`"Unknown"`), "reading the schema: type com.example.Unknown is not defined"},
		"two unknown types":           {field(`["com.b.B","com.a.A"]`), "reading the schema: type com.a.A, com.b.B is not defined"},
		"an unknown type of items":    {field(`{"type":"array","items":"X"}`), "reading the schema: type com.example.X is not defined"},
		"items that are missing":      {field(`{"type":"array"}`), in + "a type is neither a name, a list nor an object"},
		"values that are missing":     {field(`{"type":"map"}`), in + "a type is neither a name, a list nor an object"},
		"a type that is a number":     {field(`1`), in + "a type is neither a name, a list nor an object"},
		"a record without a name":     {`{"type":"record","fields":[]}`, "reading the schema: a type of kind record has no name"},
		"a name that is a number":     {`{"type":"record","name":1,"fields":[]}`, "reading the schema: a type of kind record has no name"},
		"an enum without a name":      {field(`{"type":"enum","symbols":["A"]}`), in + "a type of kind enum has no name"},
		"a fixed without a name":      {field(`{"type":"fixed","size":1}`), in + "a type of kind fixed has no name"},
		"no fields":                   {`{"type":"record","name":"R"}`, "reading the schema: record R has no list of fields"},
		"fields that are an object":   {`{"type":"record","name":"R","fields":{}}`, "reading the schema: record R has no list of fields"},
		"a field without a name":      {`{"type":"record","name":"R","fields":[{"type":"int"}]}`, "reading the schema: a field of record R has no name"},
		"a field that is a text":      {`{"type":"record","name":"R","fields":["x"]}`, "reading the schema: a field of record R has no name"},
		"a field without a type":      {`{"type":"record","name":"R","fields":[{"name":"x"}]}`, "reading the schema: field R.x: a type is neither a name, a list nor an object"},
		"a field twice":               {record(`{"name":"x","type":"int"},{"name":"x","type":"int"}`), "reading the schema: record com.example.Event has two fields named x"},
		"a type twice":                {record(`{"name":"a","type":{"type":"fixed","name":"F","size":1}},{"name":"b","type":{"type":"fixed","name":"F","size":1}}`), "reading the schema: field com.example.Event.b: type com.example.F is defined twice"},
		"an enum without symbols":     {field(`{"type":"enum","name":"E"}`), in + "enum com.example.E has no symbols"},
		"an enum of no symbols":       {field(`{"type":"enum","name":"E","symbols":[]}`), in + "enum com.example.E has no symbols"},
		"a symbol that is a number":   {field(`{"type":"enum","name":"E","symbols":["A",1]}`), in + "enum com.example.E has a symbol that is no text"},
		"a symbol twice":              {field(`{"type":"enum","name":"E","symbols":["A","B","A"]}`), in + "enum com.example.E has the symbol A twice"},
		"a fixed without a size":      {field(`{"type":"fixed","name":"F"}`), in + "fixed com.example.F has no size from 0 to 16777216"},
		"a fixed below no size":       {field(`{"type":"fixed","name":"F","size":-1}`), in + "fixed com.example.F has no size from 0 to 16777216"},
		"a fixed that is too large":   {field(`{"type":"fixed","name":"F","size":16777217}`), in + "fixed com.example.F has no size from 0 to 16777216"},
		"a fixed of half a byte":      {field(`{"type":"fixed","name":"F","size":0.5}`), in + "fixed com.example.F has no size from 0 to 16777216"},
		"a size that is text":         {field(`{"type":"fixed","name":"F","size":"1"}`), in + "fixed com.example.F has no size from 0 to 16777216"},
		"a record in itself":          {field(`"Event"`), "the schema is of a record that holds itself without an end"},
		"a record in itself, below":   {field(`{"type":"record","name":"A","fields":[{"name":"y","type":"Event"}]}`), "the schema is of a record that holds itself without an end"},
		"the error of an inner field": {field(`{"type":"record","name":"A","fields":[{"name":"y","type":[]}]}`), in + "field com.example.A.y: a union is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := avro.Parse(c.schema); err == nil || err.Error() != c.want {
				t.Errorf("Parse(%s) = %v, want %s", c.schema, err, c.want)
			}
		})
	}
}

func TestParse_refusesBrokenReferences(t *testing.T) {
	for referenced, want := range map[string]string{
		`{`: "reading a referenced schema: it is not JSON",
		`{"type":"enum","name":"com.example.Country"}`:                                                          "reading a referenced schema: enum com.example.Country has no symbols",
		`{"type":"enum","name":"Country","symbols":["NL"]}`:                                                     "", // one without a namespace is found in any
		`{"type":"enum","name":"com.other.Country","symbols":["NL"]}`:                                           "reading the schema: type com.example.Country is not defined",
		`{"type":"record","name":"com.example.Country","fields":[{"name":"event","type":"com.example.Event"}]}`: "the schema is of a record that holds itself without an end",
	} {
		_, err := avro.Parse(record(`{"name":"x","type":"Country"}`), referenced)
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("Parse with the reference %s = %v, want %q", referenced, err, want)
		}
	}
}

func TestParse_depthIsLimited(t *testing.T) {
	nested := func(n int) string {
		return record(`{"name":"x","type":` + strings.Repeat(`{"type":"array","items":`, n) + `"int"` + strings.Repeat("}", n) + `}`)
	}
	parse(t, nested(150))
	for _, n := range []int{200, 4_000} {
		if _, err := avro.Parse(nested(n)); err == nil || !strings.Contains(err.Error(), "nests more than 200 levels") {
			t.Errorf("Parse of %d levels = %v", n, err)
		}
	}
}

// What holds itself with an end somewhere is a tree or a list, and is read.
func TestParse_takesRecursionWithAnEnd(t *testing.T) {
	for name, typ := range map[string]string{
		"in a union":           `["null","Event"]`,
		"in a list":            `{"type":"array","items":"Event"}`,
		"in a map":             `{"type":"map","values":"Event"}`,
		"in a record in a map": `{"type":"map","values":{"type":"record","name":"A","fields":[{"name":"y","type":"Event"}]}}`,
	} {
		t.Run(name, func(t *testing.T) { parse(t, record(`{"name":"x","type":`+typ+`}`)) })
	}
}
