package schemas_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	twmb "github.com/twmb/avro"

	"github.com/deskstream/deskstream/mapping/unified"
)

var update = flag.Bool("update", false, "write the schemas of the unified model")

// model is every type of the model that a topic may hold, by the name of its schema.
var model = map[string]reflect.Type{
	"event": reflect.TypeFor[unified.Event](), "contact": reflect.TypeFor[unified.Contact](), "account": reflect.TypeFor[unified.Account](),
	"group": reflect.TypeFor[unified.Group](), "ticket": reflect.TypeFor[unified.Ticket](), "comment": reflect.TypeFor[unified.Comment](),
	"attachment": reflect.TypeFor[unified.Attachment](), "user": reflect.TypeFor[unified.User](), "role": reflect.TypeFor[unified.Role](),
	"team": reflect.TypeFor[unified.Team](), "label": reflect.TypeFor[unified.Label](), "field": reflect.TypeFor[unified.Field](),
	"channel": reflect.TypeFor[unified.Channel](), "queue": reflect.TypeFor[unified.Queue](), "object": reflect.TypeFor[unified.Custom](),
	"status": reflect.TypeFor[unified.Status](),
}

type object = map[string]any

// modelField is one field of a type of the model.
type modelField struct {
	name, doc string
	optional  bool
	typ       reflect.Type
}

// fieldsOf lists the fields of a type, those of Meta first.
func fieldsOf(t reflect.Type) (fields []modelField) {
	for f := range t.Fields() {
		if f.Anonymous {
			fields = append(fields, fieldsOf(f.Type)...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, modelField{name: name, doc: f.Tag.Get("doc"), optional: options == "omitempty", typ: f.Type})
	}
	return fields
}

var (
	rawType  = reflect.TypeFor[unified.Raw]()
	timeType = reflect.TypeFor[unified.Time]()
)

// The schema of a type in Avro. A record is defined where it is first used.
func avroRecord(t reflect.Type, defined map[string]bool) any {
	if defined[t.Name()] {
		return t.Name()
	}
	defined[t.Name()] = true
	fields := []any{}
	for _, f := range fieldsOf(t) {
		field := object{"name": f.name, "doc": f.doc, "type": avroType(f.typ, defined)}
		switch kind := f.typ.Kind(); {
		case kind == reflect.Slice && f.typ != rawType:
			field["default"] = []any{}
		case kind == reflect.Map:
			field["default"] = object{}
		case f.optional:
			field["type"], field["default"] = []any{"null", field["type"]}, nil
		}
		fields = append(fields, field)
	}
	return object{"type": "record", "name": t.Name(), "namespace": "com.github.deskstream.unified", "fields": fields}
}

func avroType(t reflect.Type, defined map[string]bool) any {
	json := object{"type": "string", "logicalType": "json"}
	switch {
	case t == rawType:
		return json
	case t.Kind() == reflect.Pointer:
		return avroType(t.Elem(), defined)
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": avroType(t.Elem(), defined)}
	case t.Kind() == reflect.Map:
		return object{"type": "map", "values": json}
	case t.Kind() == reflect.Struct:
		return avroRecord(t, defined)
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.Int:
		return "int"
	}
	return "string"
}

// The schema of a type as JSON Schema.
func jsonSchema(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range fieldsOf(t) {
		property := jsonType(f.typ)
		property["description"] = f.doc
		if properties[f.name] = property; !f.optional {
			required = append(required, f.name)
		}
	}
	return object{"type": "object", "properties": properties, "required": required}
}

func jsonType(t reflect.Type) object {
	switch {
	case t == rawType:
		return object{}
	case t == timeType:
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return jsonType(t.Elem())
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": jsonType(t.Elem())}
	case t.Kind() == reflect.Map:
		return object{"type": "object"}
	case t.Kind() == reflect.Struct:
		return object{"$ref": "#/$defs/" + t.Name()}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.Int:
		return object{"type": "integer"}
	}
	return object{"type": "string"}
}

// definitions adds the types that t uses.
func definitions(t reflect.Type, defs object) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t != rawType {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || defs[t.Name()] != nil {
		return
	}
	defs[t.Name()] = jsonSchema(t)
	for _, f := range fieldsOf(t) {
		definitions(f.typ, defs)
	}
}

// The files are what the types of the model say.
func TestUnified_theFilesAreThoseOfTheTypes(t *testing.T) {
	for name, typ := range model {
		defs := object{}
		for _, f := range fieldsOf(typ) {
			definitions(f.typ, defs)
		}
		schema := jsonSchema(typ)
		schema["$schema"], schema["title"] = "https://json-schema.org/draft/2020-12/schema", "deskstream unified "+name
		if len(defs) > 0 {
			schema["$defs"] = defs
		}
		compareFile(t, name+".schema.json", schema)
		compareFile(t, name+".avsc", avroRecord(typ, make(map[string]bool)))
	}
	files, err := filepath.Glob("unified/*")
	if err != nil || len(files) != 2*len(model) {
		t.Errorf("there are %d files of %d types, %v", len(files), len(model), err)
	}
}

func compareFile(t *testing.T, name string, schema any) {
	t.Helper()
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("unified", name)
	if *update {
		if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	there, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(there), string(text)+"\n"); diff != "" {
		t.Errorf("%s is not what the types say; run the test with -update (-file +types):\n%s", path, diff)
	}
}

// What the desks' webhooks and lists are read as follows the schemas, in JSON and in Avro, by
// libraries that are not ours.
func TestUnified_whatIsReadFollowsTheSchemas(t *testing.T) {
	read := 0
	for _, desk := range []string{"trengo", "kustomer"} {
		paths, err := filepath.Glob("../../mapping/" + desk + "/inbound/testdata/*/*.want.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name := "event"
			if entity, _, _ := strings.Cut(filepath.Base(path), "."); strings.Contains(path, "/objects/") {
				name = strings.NewReplacer("statuses", "status", "notes", "comment").Replace(entity)
				if model[name] == nil {
					name = strings.TrimSuffix(entity, "s")
				}
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			read++
			follows(t, path, name, text)
		}
	}
	if read < 50 {
		t.Errorf("only %d events and objects were found", read)
	}
}

// compileSchema reads a JSON Schema whose formats count.
func compileSchema(path string) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	return c.Compile(path)
}

func follows(t *testing.T, path, name string, text []byte) {
	t.Helper()
	schema, err := compileSchema(filepath.Join("unified", name+".schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	avsc, err := os.ReadFile(filepath.Join("unified", name+".avsc"))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := goavro.NewCodec(string(avsc))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	parsed, err := twmb.Parse(string(avsc))
	if err != nil {
		t.Fatalf("%s, by another library: %v", name, err)
	}
	binary, err := codec.BinaryFromNative(nil, native(model[name], value.(object)))
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	var back any
	if rest, err := parsed.Decode(binary, &back); err != nil || len(rest) > 0 {
		t.Errorf("%s: %d bytes are left, %v", path, len(rest), err)
	}
}

// native is an object of the model as goavro takes it. An unknown field would be refused.
func native(t reflect.Type, v object) object {
	out := object{}
	for _, f := range fieldsOf(t) {
		if value, ok := v[f.name]; ok {
			out[f.name] = nativeValue(f.typ, value)
		} else if !f.optional {
			out[f.name] = nil // refused
		}
		if union := branch(f.typ); f.optional && out[f.name] != nil && union != "" {
			out[f.name] = goavro.Union(union, out[f.name])
		}
	}
	return out
}

// branch is the name of a type in a union, "" for one that is never in one.
func branch(t reflect.Type) string {
	switch {
	case t == rawType:
		return "string"
	case t.Kind() == reflect.Pointer:
		return branch(t.Elem())
	case t.Kind() == reflect.Struct:
		return "com.github.deskstream.unified." + t.Name()
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Map:
		return ""
	}
	return avroType(t, nil).(string)
}

func nativeValue(t reflect.Type, v any) any {
	asText := func(v any) any {
		text, _ := json.Marshal(v) // it came from JSON
		return string(text)
	}
	switch {
	case t == rawType:
		return asText(v)
	case t.Kind() == reflect.Pointer:
		return nativeValue(t.Elem(), v)
	case t.Kind() == reflect.Slice:
		list := []any{}
		for _, e := range v.([]any) {
			list = append(list, nativeValue(t.Elem(), e))
		}
		return list
	case t.Kind() == reflect.Map:
		values := object{}
		for name, value := range v.(object) {
			values[name] = asText(value)
		}
		return values
	case t.Kind() == reflect.Struct:
		return native(t, v.(object))
	case t.Kind() == reflect.Int:
		return int32(v.(float64))
	}
	return v
}
