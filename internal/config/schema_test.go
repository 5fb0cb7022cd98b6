package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/deskstream/deskstream/internal/config"
)

func schema(t *testing.T) map[string]any {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal(config.Schema(), &s); err != nil {
		t.Fatalf("the schema is not JSON: %v", err)
	}
	return s
}

func TestSchema_describesEveryKeyAndForbidsOthers(t *testing.T) {
	s := schema(t)
	if got, want := s["$schema"], "https://json-schema.org/draft/2020-12/schema"; got != want {
		t.Errorf("$schema is %v, want %s", got, want)
	}
	blocks := 0
	var walk func(path string, node map[string]any)
	walk = func(path string, node map[string]any) {
		if items, ok := node["items"].(map[string]any); ok {
			walk(path+"[]", items)
		}
		properties, ok := node["properties"].(map[string]any)
		if !ok {
			return
		}
		blocks++
		if node["additionalProperties"] != false {
			t.Errorf("%s takes unknown keys", path)
		}
		for key, child := range properties {
			child := child.(map[string]any)
			if text, _ := child["description"].(string); !strings.HasSuffix(text, ".") {
				t.Errorf("%s.%s has no description: %q", path, key, text)
			}
			walk(path+"."+key, child)
		}
	}
	walk("", s)
	if blocks < 18 {
		t.Errorf("found %d blocks", blocks)
	}
}

func TestSchema_knowsEveryKeyOfAFile(t *testing.T) {
	var file map[string]any
	if err := yaml.Unmarshal([]byte(fileWithEveryKey), &file); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, value any, node map[string]any)
	walk = func(path string, value any, node map[string]any) {
		switch value := value.(type) {
		case map[string]any:
			properties, _ := node["properties"].(map[string]any)
			for key, child := range value {
				known, ok := properties[key].(map[string]any)
				if !ok && node["additionalProperties"] == false {
					t.Errorf("%s.%s is not in the schema", path, key)
				}
				walk(path+"."+key, child, known)
			}
		case []any:
			items, _ := node["items"].(map[string]any)
			for _, element := range value {
				walk(path+"[]", element, items)
			}
		}
	}
	walk("", file, schema(t))
}

func TestSchema_givesDefaultsInTheirOwnType(t *testing.T) {
	properties := schema(t)["properties"].(map[string]any)
	at := func(path ...string) any {
		node := map[string]any{"properties": properties}
		for _, key := range path {
			node = node["properties"].(map[string]any)[key].(map[string]any)
		}
		return node["default"]
	}
	if got := at("limits", "records"); got != 100000.0 {
		t.Errorf("limits.records: %v", got)
	}
	if got := at("limits", "bytes"); got != "64MiB" {
		t.Errorf("limits.bytes: %v", got)
	}
	if got := at("responses", "bodies"); got != true {
		t.Errorf("responses.bodies: %v", got)
	}
	if got := at("source", "drain_timeout"); got != "35s" {
		t.Errorf("source.drain_timeout: %v", got)
	}
	if got, ok := at("lane").([]any); !ok || len(got) != 3 {
		t.Errorf("lane: %v", got)
	}
}
