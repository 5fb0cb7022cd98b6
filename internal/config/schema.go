package config

import (
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/deskstream/deskstream/desk/all"
)

// Schema is the file's JSON Schema, draft 2020-12, indented and with a line break at
// its end. Wherever a substitution may stand, the schema takes one.
func Schema() []byte {
	schema := blockSchema(reflect.TypeFor[Config]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "deskstream configuration"
	schema["required"] = []string{"destinations"}
	out, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic("encoding the schema: " + err.Error()) // it is made of maps and texts only
	}
	return append(out, '\n')
}

type object = map[string]any

func blockSchema(t reflect.Type) object {
	properties := object{}
	var required []string
	var rules []object
	for _, f := range fieldsOf(t) {
		properties[f.key] = fieldSchema(f)
		if f.required {
			required = append(required, f.key)
		}
		if f.desk != "" {
			rules = append(rules, settingsRule(f.desk))
		}
	}
	schema := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	if len(rules) > 0 {
		schema["allOf"] = rules
	}
	return schema
}

// settingsRule asks for the settings of a desk where it is the type, and forbids those of others.
func settingsRule(typ string) object {
	others := object{}
	for _, k := range all.Kinds() {
		if k.Name != typ {
			others[k.Name] = false
		}
	}
	return object{
		"if":   object{"properties": object{"type": object{"const": typ}}, "required": []string{"type"}},
		"then": object{"required": []string{typ}, "properties": others},
	}
}

func fieldSchema(f field) object {
	schema := typeSchema(f.typ, f)
	schema["description"] = f.doc
	if f.def != "" {
		schema["default"] = defaultValue(f)
	}
	return schema
}

func typeSchema(t reflect.Type, f field) object {
	switch {
	case t == secretType:
		return object{"type": []string{"string", "number"}, "writeOnly": true}
	case t.Kind() == reflect.Pointer:
		return typeSchema(t.Elem(), f)
	case isBlock(t):
		schema := blockSchema(t)
		schema["type"] = []string{"object", "null"}
		if word, ok := wordOf(t); ok {
			return object{"anyOf": []object{schema, scalarSchema(word.typ, word)}}
		}
		return schema
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": typeSchema(t.Elem(), f)}
	case t.Kind() == reflect.Map && len(f.enum) > 0:
		return object{"type": "object", "additionalProperties": object{"anyOf": []object{{"enum": f.enum}, substitution}}}
	case t.Kind() == reflect.Map:
		return object{"type": "object", "additionalProperties": object{"type": []string{"string", "number"}}}
	}
	return scalarSchema(t, f)
}

// substitution is the schema of a text with a ${} in it, which may stand for a value
// of any type.
var substitution = object{"type": "string", "pattern": `\$\{`}

func scalarSchema(t reflect.Type, f field) object {
	var plain object
	switch {
	case t == durationType:
		plain = object{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d))+$`}
		return object{"anyOf": []object{plain, {"const": 0}, substitution}}
	case t == sizeType:
		return object{"anyOf": []object{{"type": "string", "pattern": sizeText.String()}, {"type": "integer", "minimum": 0}, substitution}}
	case len(f.enum) > 0:
		choices := f.enum
		if f.def == "" {
			choices = append([]string{""}, choices...)
		}
		return object{"anyOf": []object{{"enum": choices}, substitution}}
	case t.Kind() == reflect.Bool:
		plain = object{"type": "boolean"}
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		plain = ranged(object{"type": "integer"}, f)
	case t.Kind() == reflect.Float64:
		plain = ranged(object{"type": "number"}, f)
	default:
		return object{"type": []string{"string", "number"}}
	}
	return object{"anyOf": []object{plain, substitution}}
}

func ranged(schema object, f field) object {
	if f.min != "" {
		schema["minimum"] = json.Number(f.min)
	}
	if f.below != "" {
		schema["exclusiveMaximum"] = json.Number(f.below)
	}
	return schema
}

func defaultValue(f field) any {
	switch f.typ.Kind() {
	case reflect.Slice:
		return list(f.def)
	case reflect.Bool:
		return f.def == "true"
	case reflect.Int, reflect.Int64, reflect.Float64:
		if _, err := strconv.ParseFloat(f.def, 64); err == nil {
			return json.Number(f.def)
		}
	}
	return f.def
}
