package template

import (
	"fmt"
	"unicode/utf8"

	"github.com/deskstream/deskstream/mapping"
)

// maxNesting limits how deep sections and calls nest, and with them the recursion.
const maxNesting = 50

// MaxTemplate is the length of the longest template, in bytes.
const MaxTemplate = 8 << 10

// Template is a parsed template. It is immutable: goroutines may share it.
type Template struct{ nodes []node }

// Parse parses a template. A template that parses can be rendered over any value.
// Errors are of type *Error.
func Parse(input string) (*Template, error) {
	if len(input) > MaxTemplate {
		return nil, &Error{Offset: MaxTemplate, Reason: fmt.Sprintf("the template is longer than %d bytes", MaxTemplate)}
	}
	if !utf8.ValidString(input) {
		return nil, &Error{Reason: "the template is not valid UTF-8"}
	}
	tokens, err := lex(input)
	if err != nil {
		return nil, err
	}
	trimSpace(tokens)
	p := &parser{tokens: tokens}
	nodes, err := p.program()
	if err != nil {
		return nil, err
	}
	if p.peek().kind != kEnd {
		return nil, p.fail("no section is open here")
	}
	return &Template{nodes: nodes}, nil
}

type parser struct {
	tokens []token
	pos    int
	depth  int
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) fail(reason string) error { return &Error{Offset: p.peek().offset, Reason: reason} }

// take consumes and returns the next token. The last one, kEnd, is never consumed.
func (p *parser) take() token {
	t := p.tokens[p.pos]
	if t.kind != kEnd {
		p.pos++
	}
	return t
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return p.fail(fmt.Sprintf("sections or calls are nested more than %d deep", maxNesting))
	}
	return nil
}

// program parses nodes up to the end, or up to a tag that ends or divides a section.
func (p *parser) program() ([]node, error) {
	var nodes []node
	for {
		switch t := p.peek(); t.kind {
		case kText:
			nodes = append(nodes, text(p.take().value))
		case kComment:
			p.take()
			p.take()
		case kOpen:
			if t.value == "{{/" || t.value == "{{{{/" || p.atElse() {
				return nodes, nil
			}
			n, err := p.tag()
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, n)
		default:
			return nodes, nil
		}
	}
}

// atElse reports whether {{else}}, {{else if x}} or {{^}} comes next.
func (p *parser) atElse() bool {
	t := p.peek()
	return t.kind == kOpen && (t.value == "else" || t.value == "{{^" && p.tokens[p.pos+1].kind == kClose)
}

func (p *parser) tag() (node, error) {
	switch p.peek().value {
	case "{{", "{{&":
		return p.output("}}")
	case "{{{":
		return p.output("}}}")
	case "{{#", "{{^":
		return p.section()
	case "{{{{":
		return p.rawSection()
	case "{{>", "{{#>":
		return nil, p.fail("partials are not supported")
	default:
		return nil, p.fail("decorators are not supported")
	}
}

func (p *parser) output(end string) (node, error) {
	start := p.take()
	c, err := p.call()
	if err != nil {
		return nil, err
	}
	if err := p.close(end); err != nil {
		return nil, err
	}
	if reason := checkOutput(c); reason != "" {
		return nil, &Error{Offset: start.offset, Reason: reason}
	}
	return &output{call: c}, nil
}

func (p *parser) close(end string) error {
	if t := p.peek(); t.kind != kClose || t.value != end {
		return p.fail("expected " + end)
	}
	p.take()
	return nil
}

// section parses {{#x}} or {{^x}} with its branches and its end.
func (p *parser) section() (node, error) {
	inverted := p.peek().value == "{{^"
	b, err := p.opening("}}")
	if err != nil {
		return nil, err
	}
	if err := p.branches(b); err != nil {
		return nil, err
	}
	if inverted {
		b.body, b.inverse = b.inverse, b.body
	}
	return b, p.ending(b, "}}")
}

// opening parses the tag that begins a section.
func (p *parser) opening(end string) (*block, error) {
	start := p.take()
	c, err := p.call()
	if err != nil {
		return nil, err
	}
	b := &block{call: c}
	if p.peek().kind == kAsParams {
		if b.params, err = p.blockParams(); err != nil {
			return nil, err
		}
	}
	if err := p.close(end); err != nil {
		return nil, err
	}
	if reason := checkBlock(b); reason != "" {
		return nil, &Error{Offset: start.offset, Reason: reason}
	}
	return b, nil
}

func (p *parser) blockParams() ([]string, error) {
	p.take()
	var names []string
	for p.peek().kind == kID || p.peek().kind == kLiteralID {
		names = append(names, p.take().value)
	}
	if len(names) == 0 || p.peek().kind != kPipe {
		return nil, p.fail("expected names between | and |")
	}
	p.take()
	return names, nil
}

// branches parses what is between the begin and the end of a section.
func (p *parser) branches(b *block) (err error) {
	if err := p.enter(); err != nil {
		return err
	}
	defer func() { p.depth-- }()
	if b.body, err = p.program(); err != nil || !p.atElse() {
		return err
	}
	if p.tokens[p.pos+1].kind == kClose { // {{else}} or {{^}}
		p.take()
		if err = p.close("}}"); err == nil {
			b.inverse, err = p.program()
		}
		return err
	}
	chained, err := p.opening("}}") // {{else if x}}
	if err != nil {
		return err
	}
	b.inverse = []node{chained}
	return p.branches(chained)
}

// ending parses the end of a section, which must repeat the first word of its begin.
func (p *parser) ending(b *block, end string) error {
	if t := p.peek(); t.kind != kOpen || t.value != "{{/" && t.value != "{{{{/" || (t.value == "{{{{/") != (end == "}}}}") {
		return p.fail("expected the end of a section")
	}
	start := p.take()
	name, err := p.operand()
	if err != nil {
		return err
	}
	if source(name) != source(b.call.head) {
		return &Error{Offset: start.offset, Reason: "the section that is open here has another name"}
	}
	return p.close(end)
}

func (p *parser) rawSection() (node, error) {
	b, err := p.opening("}}}}")
	if err != nil {
		return nil, err
	}
	if p.peek().kind == kText {
		b.body = []node{text(p.take().value)}
	}
	return b, p.ending(b, "}}}}")
}

func source(o operand) string {
	switch o := o.(type) {
	case *path:
		return o.source
	case literal:
		return o.value.Text()
	default:
		return ""
	}
}

var nothing = literal{mapping.Value{}}
