package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Load reads and checks a configuration file. The error is a *Problems when the
// file could be read and is refused.
func Load(path string, lookup LookupFunc) (*Config, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return Parse(path, src, lookup)
}

// Parse is Load for a file's content; name stands for it in problems.
func Parse(name string, src []byte, lookup LookupFunc) (*Config, error) {
	found := Problems{File: name, lines: splitLines(src), masks: masks{}}
	warned := found
	warned.kind = "warning: "
	d := &decoder{lookup: lookup, places: map[string]place{}, broken: map[string]bool{}, found: &found, warned: &warned}
	var c Config
	setDefaults(reflect.ValueOf(&c).Elem())
	if body, ok := d.parse(src); ok {
		d.block("", place{1, 1}, body, reflect.ValueOf(&c).Elem())
		if !d.broken[""] {
			c.check(d)
		}
		c.fillIn(d)
	}
	if len(d.found.List) > 0 {
		d.found.sort()
		return nil, d.found
	}
	d.warned.sort()
	c.warnings = d.warned
	return &c, nil
}

// parse reads the YAML; false when it is none.
func (d *decoder) parse(src []byte) (ast.Node, bool) {
	// Repeated keys are found by the decoder, which goes on behind them.
	file, err := parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntaxError(err)
		return nil, false
	}
	var body ast.Node
	for i, doc := range file.Docs {
		if i > 0 {
			at := place{1, 1}
			if doc.Start != nil {
				at = place{doc.Start.Position.Line, doc.Start.Position.Column}
			}
			d.problem(at, "the file must be a single YAML document")
			return nil, false
		}
		body = doc.Body
	}
	return body, true
}

// inQuotes is where a message of the parser quotes the file, which can be a secret.
var inQuotes = regexp.MustCompile(`(?s)".*"`)

func (d *decoder) syntaxError(err error) {
	at, message := place{1, 1}, "the file is not valid YAML"
	if fault, ok := errors.AsType[yaml.Error](err); ok {
		message = inQuotes.ReplaceAllString(fault.GetMessage(), "[...]")
		if tk := fault.GetToken(); tk != nil && tk.Position != nil {
			at = place{tk.Position.Line, max(tk.Position.Column, 1)}
		}
	}
	if at.line <= len(d.found.lines) && strings.Contains(d.found.lines[at.line-1], "${") {
		message += "; a ${NAME} inside [ ] or { } must be quoted"
	}
	d.maskBroken(at.line)
	d.problem(at, "%s", message)
}

// maskBroken hides what can be a secret on the line of a syntax error. In a broken
// file a secret's own key may be broken, so a value is shown only behind a key that
// is known to hold none. What begins a line without a key belongs to the line above.
func (d *decoder) maskBroken(number int) {
	if number > len(d.found.lines) {
		return
	}
	line := d.found.lines[number-1]
	keys := keyText.FindAllStringSubmatchIndex(line, -1)
	for _, at := range keys {
		if !harmless(line[at[2]:at[3]]) {
			d.found.masks.add(number, 1+utf8.RuneCountInString(line[:keys[0][1]]))
		}
	}
	if at := secretly.FindStringIndex(line); at != nil {
		d.found.masks.add(number, 1+utf8.RuneCountInString(line[:at[1]]))
	}
	if (len(keys) == 0 || strings.Trim(line[:keys[0][0]], " \t-{\"'") != "") && !harmless(d.keyAbove(number)) {
		d.found.masks.add(number, 1)
	}
}

// keyAbove is the last key above a line.
func (d *decoder) keyAbove(number int) string {
	for i := number - 2; i >= 0; i-- {
		if keys := keyText.FindAllStringSubmatch(d.found.lines[i], -1); keys != nil {
			return keys[len(keys)-1][1]
		}
	}
	return ""
}

func splitLines(src []byte) []string {
	text := strings.ReplaceAll(string(src), "\r\n", "\n")
	return strings.Split(strings.ToValidUTF8(text, "\uFFFD"), "\n")
}
