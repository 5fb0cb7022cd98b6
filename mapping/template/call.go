package template

import (
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// The helpers. Templates cannot call any other.
const (
	helperIf     = "if"
	helperUnless = "unless"
	helperEach   = "each"
	helperWith   = "with"
	helperLookup = "lookup"
	helperLog    = "log"
)

func isHelper(name string) bool {
	switch name {
	case helperIf, helperUnless, helperEach, helperWith, helperLookup, helperLog:
		return true
	}
	return false
}

// call parses a value, or a helper with its arguments.
func (p *parser) call() (*call, error) {
	head, err := p.operand()
	if err != nil {
		return nil, err
	}
	c := &call{head: head, includeZero: nothing}
	if name, ok := head.(*path); ok && isHelper(name.simpleName()) {
		c.helper = name.simpleName()
	}
	for p.startsOperand() && !p.atHash() {
		arg, err := p.argument()
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, arg)
	}
	return c, p.hash(c)
}

func (p *parser) startsOperand() bool {
	switch p.peek().kind {
	case kID, kLiteralID, kString, kNumber, kWord, kData, kLeftParen:
		return true
	default:
		return false
	}
}

func (p *parser) atHash() bool {
	t := p.peek()
	return (t.kind == kID || t.kind == kLiteralID) && p.tokens[p.pos+1].kind == kEquals
}

// hash parses name=value pairs, of which only includeZero has a meaning.
func (p *parser) hash(c *call) error {
	for p.atHash() {
		c.hasHash = true
		name := p.take().value
		p.take()
		if !p.startsOperand() {
			return p.fail("expected a value")
		}
		value, err := p.argument()
		if err != nil {
			return err
		}
		if name == "includeZero" {
			c.includeZero = value
		}
	}
	return nil
}

func (p *parser) argument() (operand, error) {
	if p.peek().kind != kLeftParen {
		return p.operand()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	start := p.take()
	c, err := p.call()
	if err != nil {
		return nil, err
	}
	if p.peek().kind != kRightParen {
		return nil, p.fail("expected )")
	}
	p.take()
	if c.helper != helperLookup || len(c.args) != 2 {
		return nil, &Error{Offset: start.offset, Reason: "parentheses take only lookup with two values"}
	}
	return c, nil
}

// operand parses a path or a literal.
func (p *parser) operand() (operand, error) {
	switch t := p.peek(); t.kind {
	case kString:
		return literal{mapping.Str(p.take().value)}, nil
	case kNumber:
		return literal{mapping.Num(p.take().value)}, nil
	case kWord:
		return wordLiteral(p.take().value), nil
	case kData:
		p.take()
		return p.path(&path{data: true, source: "@"})
	case kID, kLiteralID:
		return p.path(&path{})
	default:
		return nil, p.fail("expected a name or a value")
	}
}

func wordLiteral(word string) literal {
	switch word {
	case "null":
		return literal{mapping.NullValue()}
	case "undefined":
		return nothing
	default:
		return literal{mapping.Boolean(word == "true")}
	}
}

// path parses names with separators between them.
func (p *parser) path(to *path) (operand, error) {
	for {
		t := p.peek()
		switch {
		case t.kind == kID && (t.value == ".." || t.value == "." || t.value == "this"):
			if len(to.parts) > 0 {
				return nil, p.fail("this, . and .. are possible only at the begin of a path")
			}
			to.scoped = true
			if t.value == ".." {
				to.depth++
			}
		case t.kind == kID || t.kind == kLiteralID:
			to.parts = append(to.parts, t.value)
		default:
			return nil, p.fail("expected a name")
		}
		to.source += p.take().value
		if p.peek().kind != kSep {
			return to, nil
		}
		to.source += p.take().value
	}
}

// checkOutput returns what is wrong with a call in {{ }}, "" if nothing is.
func checkOutput(c *call) string {
	switch c.helper {
	case "":
		return checkValue(c)
	case helperLookup:
		if len(c.args) != 2 {
			return "lookup takes two values: a list or an object, and a name"
		}
	case helperLog:
	default:
		return c.helper + " needs a section: {{#" + c.helper + " ...}}"
	}
	return ""
}

// checkBlock returns what is wrong with the begin of a section, "" if nothing is.
func checkBlock(b *block) string {
	c := b.call
	if len(b.params) > 0 && c.helper != helperEach && c.helper != helperWith {
		return "only each and with take names between | and |"
	}
	switch c.helper {
	case "":
		return checkValue(c)
	case helperLookup, helperLog:
		return c.helper + " cannot begin a section"
	default:
		if len(c.args) != 1 {
			return c.helper + " takes one value"
		}
	}
	return ""
}

func checkValue(c *call) string {
	if len(c.args) == 0 && !c.hasHash {
		return ""
	}
	return strings.TrimSpace(source(c.head)) + " is not a helper; write a name with blanks in brackets: {{[Order Total]}}"
}
