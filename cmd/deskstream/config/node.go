package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// place is where something stands in the file, counted from 1.
type place struct{ line, column int }

func placeOf(node ast.Node) place {
	tk := node.GetToken()
	if tk == nil || tk.Position == nil {
		return place{1, 1}
	}
	return place{tk.Position.Line, max(tk.Position.Column, 1)}
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

// readScalar tells the text and kind of a scalar node; false for another node.
func readScalar(node ast.Node) (scalar, bool) {
	switch n := node.(type) {
	case nil, *ast.NullNode:
		return scalar{}, true
	case *ast.StringNode:
		k := text
		if n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType {
			k = quoted
		}
		return scalar{text: n.Value, kind: k}, true
	case *ast.LiteralNode:
		return scalar{text: n.Value.Value, kind: literal}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return scalar{text: strings.TrimSpace(node.GetToken().Value), kind: numeral}, true
	case *ast.BoolNode:
		return scalar{text: strings.TrimSpace(n.Token.Value), kind: boolean}, true
	}
	return scalar{}, false
}

// unsupported names a feature of YAML that the file may not use; "" for none.
func unsupported(node ast.Node) string {
	switch node.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		return "anchors and aliases (& and *) are not supported; write the value out"
	case *ast.MergeKeyNode:
		return "merge keys (<<) are not supported; write the keys out"
	case *ast.TagNode:
		return "tags (!) are not supported; quote the value if it must be text"
	}
	return ""
}

// entries lists the keys and values of a mapping; false for another node.
func entries(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case nil, *ast.NullNode:
		return nil, true // all of a block's keys may be left out or commented out
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// hide keeps a value out of every snippet: the rest of its first line and all of
// its further lines.
func (m masks) hide(node ast.Node) {
	if node == nil {
		return
	}
	ast.Walk(hider{m}, node)
}

type hider struct{ masks masks }

// Visit marks the lines of a node's token. A token's own position is its first
// line, except for the text of a block, which begins below its indicator.
func (h hider) Visit(node ast.Node) ast.Visitor {
	tk := node.GetToken()
	if tk == nil || tk.Position == nil {
		return h
	}
	h.masks.add(tk.Position.Line, max(tk.Position.Column, 1))
	lines := lineBreaks(tk.Origin)
	if block, ok := node.(*ast.LiteralNode); ok && block.Value != nil {
		lines = 1 + lineBreaks(block.Value.GetToken().Origin)
	}
	for i := range lines {
		h.masks.add(tk.Position.Line+1+i, 1)
	}
	if _, ok := node.(*ast.LiteralNode); ok {
		return nil
	}
	return h
}

// lineBreaks counts the breaks inside of a token's source, which comes with the
// blanks around it.
func lineBreaks(origin string) int { return strings.Count(strings.TrimSpace(origin), "\n") }
