package testfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Value is a value of the file as JSON text, nil where nothing is given.
type Value json.RawMessage

// UnmarshalYAML implements yaml.Unmarshaler. Times and dates stay the text that they are, and
// numbers keep their digits.
func (v *Value) UnmarshalYAML(node *yaml.Node) error {
	var b bytes.Buffer
	if err := writeJSON(&b, node, 0); err != nil {
		return err
	}
	*v = b.Bytes()
	return nil
}

// MarshalYAML implements yaml.Marshaler: JSON is YAML.
func (v Value) MarshalYAML() (any, error) {
	var node yaml.Node
	if err := yaml.Load(v, &node); err != nil {
		return nil, err
	}
	if node.Kind == yaml.DocumentNode {
		node = *node.Content[0]
	}
	plain(&node)
	return &node, nil
}

// plain takes away the style of JSON.
func plain(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		plain(child)
	}
}

// record is the value of a record: a text is taken as it is, null is a tombstone.
func (v Value) record() []byte {
	var text string
	switch {
	case string(v) == "null":
		return nil
	case json.Unmarshal(v, &text) == nil:
		return []byte(text)
	}
	return v
}

// maxDepth is how deep a value may be nested: aliases could be without end.
const maxDepth = 200

func writeJSON(b *bytes.Buffer, node *yaml.Node, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: nested too deep", node.Line)
	}
	switch node.Kind {
	case yaml.AliasNode:
		return writeJSON(b, node.Alias, depth+1)
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range node.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, item, depth+1); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case yaml.MappingNode:
		return writeObject(b, node, depth)
	default:
		return writeScalar(b, node)
	}
}

// writeObject writes a mapping. One that is merged in by << gives the members that are not there.
func writeObject(b *bytes.Buffer, node *yaml.Node, depth int) error {
	members, err := membersOf(node, depth)
	if err != nil {
		return err
	}
	written := map[string]bool{}
	b.WriteByte('{')
	for _, m := range members {
		if written[m.key.Value] {
			continue
		}
		if len(written) > 0 {
			b.WriteByte(',')
		}
		written[m.key.Value] = true
		writeText(b, m.key.Value)
		b.WriteByte(':')
		if err := writeJSON(b, m.value, depth+1); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

type member struct{ key, value *yaml.Node }

// membersOf are a mapping's own members, then those that are merged in.
func membersOf(node *yaml.Node, depth int) (members []member, err error) {
	var merged []member
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: a key is a text", key.Line)
		}
		if key.Tag != "!!merge" {
			members = append(members, member{key, value})
			continue
		}
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if value.Kind != yaml.MappingNode || depth > maxDepth {
			return nil, fmt.Errorf("line %d: << takes one mapping", key.Line)
		}
		more, err := membersOf(value, depth+1)
		if err != nil {
			return nil, err
		}
		merged = append(merged, more...)
	}
	return append(members, merged...), nil
}

func writeScalar(b *bytes.Buffer, node *yaml.Node) error {
	switch node.ShortTag() {
	case "!!null":
		b.WriteString("null")
		return nil
	case "!!int", "!!float":
		if json.Valid([]byte(node.Value)) {
			b.WriteString(node.Value)
			return nil
		}
		fallthrough
	case "!!bool":
		var value any
		if err := node.Decode(&value); err != nil {
			return err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return errors.New("line " + fmt.Sprint(node.Line) + ": JSON has no such number")
		}
		b.Write(text)
		return nil
	}
	writeText(b, node.Value)
	return nil
}

func writeText(b *bytes.Buffer, text string) {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(strings.ToValidUTF8(text, "\uFFFD")) // a text can be written to memory
	b.Truncate(b.Len() - 1)                                 // the line end
}
