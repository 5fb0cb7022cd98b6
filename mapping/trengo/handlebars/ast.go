package handlebars

import "github.com/deskstream/deskstream/mapping"

// node is a part of a template: text, *output or *block.
type node any

// text stands for itself.
type text string

// output prints a value.
type output struct{ call *call }

// block is a section. Its body is rendered, or its inverse, as its call says.
type block struct {
	call          *call
	params        []string // names that each and with give to the value and its key
	body, inverse []node
}

// call is what stands in braces: a value, or a helper with its arguments.
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

// path leads to a value from the present context, from one further out, or from the
// data variables (@index).
type path struct {
	data   bool
	depth  int  // number of ".."
	scoped bool // begins with this, . or ..: never the name of a helper or parameter
	parts  []string
	source string // as written, which a closing tag must repeat
}

// simpleName is the path's only name if it may be that of a helper.
func (p *path) simpleName() string {
	if p.data || p.scoped || len(p.parts) != 1 {
		return ""
	}
	return p.parts[0]
}
