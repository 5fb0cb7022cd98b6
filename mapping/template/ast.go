package template

import "github.com/deskstream/deskstream/mapping"

// node is a part of a template: text, *output or *block.
type node any

// text is printed as it is.
type text string

// output prints a value.
type output struct{ call *call }

// block is a section. Its call decides whether its body or its inverse is rendered.
type block struct {
	call          *call
	params        []string // names that each and with give to the value and its key
	body, inverse []node
}

// call is the content of a tag: a value, or a helper with its arguments.
type call struct {
	helper      string // "" for none
	head        operand
	args        []operand
	includeZero operand // of if and unless
	hasHash     bool
}

// operand is a value in a call: literal, *path or *call.
type operand any

type literal struct{ value mapping.Value }

// path names a value, relative to the current context, an outer one, or the data
// variables (@index).
type path struct {
	data   bool
	depth  int  // number of ".."
	scoped bool // begins with this, . or ..: never the name of a helper or parameter
	parts  []string
	source string // as written: the closing tag must repeat it
}

// simpleName returns the path's only name if that can name a helper, else "".
func (p *path) simpleName() string {
	if p.data || p.scoped || len(p.parts) != 1 {
		return ""
	}
	return p.parts[0]
}
