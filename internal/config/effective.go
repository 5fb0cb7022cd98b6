package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// Masked stands for a secret in what is shown of a configuration.
const Masked = "[redacted]"

// YAML returns the configuration that is in effect, as a file: with defaults and replaced variables.
// Secrets are Masked, and settings that are empty and have no default are left out.
func (c *Config) YAML() []byte {
	node := nodeOf(reflect.ValueOf(c).Elem())
	out, err := yaml.Dump(node, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		panic("encoding the configuration: " + err.Error()) // it is made of texts only
	}
	return out
}

// JSON returns what YAML returns, as JSON.
func (c *Config) JSON() json.RawMessage {
	var tree any
	if err := yaml.Unmarshal(c.YAML(), &tree); err != nil {
		panic("reading the encoded configuration: " + err.Error()) // it was just written
	}
	out, err := json.Marshal(tree)
	if err != nil {
		panic("encoding the configuration: " + err.Error())
	}
	return out
}

// nodeOf is a value as a file has it, nil for one that is empty.
func nodeOf(v reflect.Value) *yaml.Node {
	switch {
	case v.Type() == secretType:
		if v.Interface().(Secret).IsZero() {
			return nil
		}
		return textNode(Masked)
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return nodeOf(v.Elem())
	case isBlock(v.Type()):
		return blockNode(v)
	case v.Kind() == reflect.Slice:
		return listNode(v)
	case v.Kind() == reflect.Map:
		return mapNode(v)
	case v.IsZero():
		return nil
	}
	return scalarNode(v)
}

func blockNode(v reflect.Value) *yaml.Node {
	if word, ok := wordOf(v.Type()); ok && !word.in(v).IsZero() {
		return textNode(word.in(v).String())
	}
	block := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fieldsOf(v.Type()) {
		inner := f.in(v)
		if f.optional && hasDefaults(inner) {
			continue
		}
		node := nodeOf(inner)
		if node == nil && f.def != "" && inner.Kind() != reflect.Slice && inner.Kind() != reflect.Map {
			node = scalarNode(inner) // a zero that says something
		}
		if node == nil && f.def != "" && inner.Kind() == reflect.Slice {
			node = &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		}
		if node != nil {
			block.Content = append(block.Content, textNode(f.key), node)
		}
	}
	if len(block.Content) == 0 {
		return nil
	}
	return block
}

// hasDefaults reports whether a block is as one that is not given.
func hasDefaults(v reflect.Value) bool {
	unset := reflect.New(v.Type()).Elem()
	setDefaults(unset)
	return lineOf(v) == lineOf(unset)
}

func listNode(v reflect.Value) *yaml.Node {
	if v.Len() == 0 {
		return nil
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	if !isBlock(v.Type().Elem()) {
		list.Style = yaml.FlowStyle
	}
	for i := range v.Len() {
		node := nodeOf(v.Index(i))
		if node == nil {
			node = textNode("")
		}
		list.Content = append(list.Content, node)
	}
	return list
}

func mapNode(v reflect.Value) *yaml.Node {
	if v.Len() == 0 {
		return nil
	}
	block := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range sortedKeys(v) {
		node := nodeOf(v.MapIndex(reflect.ValueOf(key)))
		if node == nil {
			node = textNode("")
		}
		block.Content = append(block.Content, textNode(key), node)
	}
	return block
}

func sortedKeys(v reflect.Value) []string {
	keys := make(map[string]bool, v.Len())
	for _, key := range v.MapKeys() {
		keys[key.String()] = true
	}
	return slices.Sorted(maps.Keys(keys))
}

func scalarNode(v reflect.Value) *yaml.Node {
	switch value := v.Interface().(type) {
	case time.Duration:
		return plainNode(durationText(value))
	case Size:
		return plainNode(sizeText64(int64(value)))
	case fmt.Stringer:
		return textNode(value.String())
	}
	if v.Kind() == reflect.String {
		return textNode(withoutCredentials(v.String()))
	}
	return plainNode(fmt.Sprint(v.Interface()))
}

// withoutCredentials is a text as it is, or an address with its user and its query Masked. The rest of it
// is needed to see which address is meant.
func withoutCredentials(text string) string {
	scheme, _, found := strings.Cut(strings.TrimSpace(text), "://")
	if !found || strings.ContainsFunc(scheme, unicode.IsSpace) {
		return text // a sentence
	}
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return strings.ToLower(scheme) + "://" + Masked
	case u.User == nil && u.RawQuery == "" && u.Fragment == "":
		return text
	}
	shown := u.Scheme + "://"
	if u.User != nil {
		shown += Masked + "@"
	}
	shown += u.Host + u.EscapedPath()
	if u.RawQuery != "" || u.Fragment != "" {
		shown += "?" + Masked
	}
	return shown
}

// textNode is a text, quoted where it would read as something else. What would read as a
// reference is escaped.
func textNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.ReplaceAll(text, "${", "$${")}
}

func plainNode(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// durationText is a duration without the zeros that Go adds: 15m, 1h30m.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// sizeText64 is a number of bytes in the largest unit that divides it.
func sizeText64(n int64) string {
	for _, unit := range []string{"GiB", "MiB", "KiB"} {
		if n != 0 && n%sizeUnits[unit] == 0 {
			return strconv.FormatInt(n/sizeUnits[unit], 10) + unit
		}
	}
	return strconv.FormatInt(n, 10)
}
