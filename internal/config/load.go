package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/deskstream/deskstream/internal/file"
)

// Load reads and checks a configuration file of at most 1 MiB, which may be a pipe. The error is a *Problems when the
// file could be read and is refused.
func Load(path string, lookup LookupFunc) (*Config, error) {
	src, err := file.ReadInput(context.Background(), path, file.MaxSmall)
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
		d.block(given{at: place{1, 1}, node: body}, reflect.ValueOf(&c).Elem())
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

// parse reads the YAML and reports false when it is none. The node is nil for an empty file.
func (d *decoder) parse(src []byte) (*yaml.Node, bool) {
	loader, err := yaml.NewLoader(strings.NewReader(shield(string(src))))
	if err != nil {
		d.syntaxError(err)
		return nil, false
	}
	var body *yaml.Node
	for i := 0; ; i++ {
		var doc yaml.Node
		switch err := loader.Load(&doc); {
		case errors.Is(err, io.EOF):
			return body, true
		case err != nil:
			d.syntaxError(err)
			return nil, false
		case i > 0:
			d.problem(placeOf(&doc), "the file must be a single YAML document")
			return nil, false
		}
		body = contentOf(&doc)
		d.lines = linesOf(body, nil)
	}
}

// contentOf returns the node that a document holds, nil for an empty one.
func contentOf(doc *yaml.Node) *yaml.Node {
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		return doc.Content[0]
	}
	return nil
}

// inQuotes is where a message of the parser quotes the file, which can be a secret.
var inQuotes = regexp.MustCompile(`(?s)".*"|'.*'`)

// ownQuotes are the messages whose quotes are the parser's own.
var ownQuotes = []string{"did not find expected ',' or ']'", "did not find expected ',' or '}'"}

func withoutQuotes(message string) string {
	if slices.Contains(ownQuotes, message) {
		return message
	}
	return inQuotes.ReplaceAllString(unshield(message), "[...]")
}

func (d *decoder) syntaxError(err error) {
	at, message := place{1, 1}, "the file is not valid YAML"
	if fault, ok := errors.AsType[*yaml.LoadError](err); ok {
		mark, text := fault.Mark, withoutQuotes(fault.Message)
		if mark.Line >= len(d.found.lines) || strings.HasPrefix(fault.ContextMsg, "while parsing a flow") {
			// What is not closed is found lines below. It begins here.
			if fault.ContextMark.Line > 0 {
				mark, text = fault.ContextMark, withoutQuotes(fault.ContextMsg)+", "+text
			}
		}
		message += ": " + text
		at = place{max(mark.Line, 1), max(mark.Column, 1)}
	}
	if line := d.found.lines[min(at.line, len(d.found.lines))-1]; strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
		message += "; indent with blanks, not with tabs"
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
	if strings.HasPrefix(strings.TrimSpace(line), ":") { // its key is on the line above
		d.found.masks.add(number, 1)
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
