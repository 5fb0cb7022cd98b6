package config

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// place is where something stands in the file, counted from 1.
type place struct{ line, column int }

func placeOf(node *yaml.Node) place {
	if node == nil {
		return place{1, 1}
	}
	return place{max(node.Line, 1), max(node.Column, 1)}
}

// The kinds of a scalar, as the file writes it.
type kind int

const (
	none kind = iota // null, or no value
	text
	quoted
	literal // a block of lines
	numeral
	boolean
)

// scalar is a value of the file as it is written.
type scalar struct {
	text     string
	kind     kind
	replaced bool // something was substituted, so the text is not the file's
}

// readScalar returns the text and kind of a scalar node, and false for another node.
func readScalar(node *yaml.Node) (scalar, bool) {
	if node == nil {
		return scalar{}, true
	}
	if node.Kind != yaml.ScalarNode {
		return scalar{}, false
	}
	k := kindOf(node)
	if k == none {
		return scalar{}, true
	}
	return scalar{text: unshield(node.Value), kind: k}, true
}

func kindOf(node *yaml.Node) kind {
	switch {
	case node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return quoted
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return literal
	}
	switch node.ShortTag() {
	case "!!null":
		return none
	case "!!bool":
		return boolean
	case "!!int", "!!float":
		return numeral
	}
	return text
}

// unsupported names a feature of YAML that the file may not use; "" for none.
func unsupported(node *yaml.Node) string {
	switch {
	case node == nil:
		return ""
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return "anchors and aliases (& and *) are not supported; write the value out"
	case node.ShortTag() == "!!merge":
		return "merge keys (<<) are not supported; write the keys out"
	case node.Style&yaml.TaggedStyle != 0:
		return "tags (!) are not supported; quote the value if it must be text"
	}
	return ""
}

// entry is one key of a mapping with its value.
type entry struct{ key, value *yaml.Node }

// entries lists the keys and values of a mapping; false for another node.
func entries(node *yaml.Node) ([]entry, bool) {
	if s, ok := readScalar(node); ok && s.kind == none {
		return nil, true // all of a block's keys may be left out or commented out
	}
	if node.Kind != yaml.MappingNode {
		return nil, false
	}
	list := make([]entry, len(node.Content)/2)
	for i := range list {
		list[i] = entry{node.Content[2*i], node.Content[2*i+1]}
	}
	return list, true
}

// linesOf appends the lines on which the nodes below node begin, in the file's order.
func linesOf(node *yaml.Node, lines []int) []int {
	if node == nil {
		return lines
	}
	lines = append(lines, node.Line)
	for _, inner := range node.Content {
		lines = linesOf(inner, lines)
	}
	return lines
}

// hide keeps a value out of every snippet: the rest of its first line, and all lines up
// to the one on which the next value begins.
func (d *decoder) hide(node *yaml.Node) {
	if node == nil {
		return
	}
	d.found.masks.add(node.Line, max(node.Column, 1))
	all := linesOf(node, nil)
	last := slices.Max(all)
	end := len(d.found.lines) + 1
	if i, _ := slices.BinarySearch(d.lines, last+1); i < len(d.lines) {
		end = d.lines[i]
	}
	for line := node.Line + 1; line < end; line++ {
		d.found.masks.add(line, 1)
	}
}
