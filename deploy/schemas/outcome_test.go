package schemas_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/sink"
)

// TestOutcome_theJSONSchemaHasWhatOutcomesHave compares the members of an outcome, as its encoder is made
// of them, with the schema: which there are, and which are always there.
func TestOutcome_theJSONSchemaHasWhatOutcomesHave(t *testing.T) {
	schema := outcomeSchema(t)
	got, want := map[string]bool{}, map[string]bool{}
	membersOf(reflect.TypeFor[sink.Outcome](), "", want)
	schemaMembers(schema, "", got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members, and whether they are required (-outcome +schema):\n%s", diff)
	}
	for place, want := range map[string][]string{
		"reason": {"duplicate", "event_not_configured", "filtered", "loop", "nothing_to_update", "other_destination", "own", "ticket_not_found", "tombstone", "type_not_taken"},
		"class":  classes(),
	} {
		property, _ := schema["properties"].(object)[place].(object)
		if place == "class" {
			property = schema["properties"].(object)["error"].(object)["properties"].(object)[place].(object)
		}
		var got []string
		for _, value := range property["enum"].([]any) {
			if text, ok := value.(string); ok {
				got = append(got, text)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("values of %s (-program +schema):\n%s", place, diff)
		}
	}
}

func classes() (list []string) {
	for _, class := range sink.Classes() {
		list = append(list, string(class))
	}
	slices.Sort(list)
	return list
}

func outcomeSchema(t *testing.T) (schema object) {
	t.Helper()
	text, err := os.ReadFile("outcome.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// membersOf adds the members of a type's JSON below a path, and whether each is always there.
func membersOf(of reflect.Type, path string, all map[string]bool) {
	for field := range of.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || name == "" {
			continue
		}
		all[path+name] = options == ""
		inner := field.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			membersOf(inner, path+name+".", all)
		}
	}
}

// schemaMembers does the same for a schema.
func schemaMembers(schema object, path string, all map[string]bool) {
	if items, ok := schema["items"].(object); ok {
		schema = items
	}
	required, _ := schema["required"].([]any)
	properties, _ := schema["properties"].(object)
	for name, property := range properties {
		all[path+name] = slices.Contains(required, any(name))
		schemaMembers(property.(object), path+name+".", all)
	}
}
