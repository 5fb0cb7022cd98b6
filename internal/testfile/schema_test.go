package testfile

import (
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

const schemaFile = "../../deploy/schemas/test.schema.json"

// The schema that editors read has the keys that the program reads, and no others.
func TestSchema_hasTheKeysOfTheTypes(t *testing.T) {
	s := compiled(t)
	for name, got := range map[string]*jsonschema.Schema{
		"File": s, "Test": definition(t, s.Properties["tests"]), "Key": definition(t, definition(t, s.Properties["tests"]).Properties["keys"]),
		"Answer":      definition(t, definition(t, s.Properties["tests"]).Properties["answers"]),
		"Expectation": definition(t, definition(t, s.Properties["tests"]).Properties["expect"]),
	} {
		var keys []string
		for key := range got.Properties {
			keys = append(keys, key)
		}
		want := keysOf(blocks[name].typ)
		slices.Sort(keys)
		slices.Sort(want)
		if diff := cmp.Diff(want, keys); diff != "" || got.AdditionalProperties != false {
			t.Errorf("%s (-type +schema):\n%s, others: %v", name, diff, got.AdditionalProperties)
		}
	}
	call := definition(t, definition(t, definition(t, s.Properties["tests"]).Properties["expect"]).Properties["calls"]).AnyOf[1]
	for _, key := range keysOf(reflect.TypeFor[Call]()) {
		if call.Properties[key] == nil || len(call.Properties) != 4 {
			t.Errorf("a call has %v, want %s too and no others", call.Properties, key)
		}
	}
}

// definition is what the items of a list are.
func definition(t *testing.T, list *jsonschema.Schema) *jsonschema.Schema {
	t.Helper()
	items, ok := list.Items2020, list.Items2020 != nil
	if !ok {
		t.Fatal("it is no list")
	}
	if items.Ref != nil {
		return items.Ref
	}
	return items
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchema_takesTheExampleAndRefusesAnUnknownKey(t *testing.T) {
	s := compiled(t)
	text, err := os.ReadFile("../../deploy/example/payments.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for addition, want := range map[string]bool{
		"":                                  true,
		"\ntest: []\n":                      false,
		"\n  - {name: n}\n":                 false,
		"\n  - {name: n, events: [null]}\n": true,
		"\n  - {name: n, events: [null], expect: [{outcome: delivered}]}\n": false,
		"\n  - {name: n, events: [null], expect: [{calls: [POST]}]}\n":      false,
	} {
		var file any
		if err := yaml.Unmarshal(append(slices.Clone(text), addition...), &file); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(file); (err == nil) != want {
			t.Errorf("with %q: %v, want it valid: %v", addition, err, want)
		}
	}
}
