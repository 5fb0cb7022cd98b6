package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is one fault of the file. Line and Column are counted from 1; column in
// characters.
type Problem struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// Problems is everything that is wrong with a file, in the file's order. It is the
// error of a configuration that was read and refused.
//
//nolint:errname // it is a list of problems first
type Problems struct {
	File string
	List []Problem

	kind  string // stands before each message: "", or "warning: "
	lines []string
	masks masks
}

// Error shows each problem with its place and the line that it is about. Secrets
// are masked.
func (p *Problems) Error() string {
	var b strings.Builder
	for i, problem := range p.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d:%d: %s%s", p.File, problem.Line, problem.Column, p.kind, problem.Message)
		if problem.Line <= len(p.lines) {
			b.WriteString(p.snippet(problem))
		}
	}
	return b.String()
}

func (p *Problems) sort() {
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// maxSnippet is how many characters of a line are shown.
const maxSnippet = 160

// snippet is the problem's line with a caret under its column.
func (p *Problems) snippet(problem Problem) string {
	whole := []rune(p.lines[problem.Line-1])
	line := []rune(p.masks.apply(problem.Line, string(whole)))
	column := min(max(problem.Column-1, 0), alike(whole, line))
	if from := column - maxSnippet/2; len(line) > maxSnippet && from > 0 {
		line, column = line[from:], column-from
	}
	line = line[:min(len(line), maxSnippet)]
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(line[:column]))
	return fmt.Sprintf("\n%5d | %s\n      | %s^", problem.Line, string(line), pad)
}

// alike is how many characters two lines have in common at their beginning. The caret
// cannot stand behind them: there the shown line has something else than the file.
func alike(a, b []rune) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

const redacted = "[redacted]"

// masks says from which column on a line is not shown.
type masks map[int]int

func (m masks) add(line, column int) {
	if old, ok := m[line]; !ok || column < old {
		m[line] = column
	}
}

var (
	keyText = regexp.MustCompile(`([\w-]+)["']?\s*:`)
	// userInfo is all up to the last @ of a URL: a password may have a slash that should be %2F.
	userInfo = regexp.MustCompile(`://[^\s"'?#]*@`)
	// urlQuery is the query or the fragment of a URL, and all behind it: what ends it depends on quotes.
	urlQuery = regexp.MustCompile(`(://[^\s"'?#]*[?#]).*`)
	secretly = regexp.MustCompile(`(?i)token|secret|passw(?:or)?d?|pwd|api[_-]?key|credential`)
)

// apply cuts what is secret off a line: what the reader marked, the user
// information and the query of URLs, and whatever stands behind a key that sounds secret, because
// a line can be wrong in a way that the reader does not understand.
func (m masks) apply(number int, line string) string {
	if column, ok := m[number]; ok {
		runes := []rune(line)
		line = string(runes[:min(max(column-1, 0), len(runes))]) + redacted
	}
	for _, at := range keyText.FindAllStringSubmatchIndex(line, -1) {
		if !soundsSecret(line[at[2]:at[3]]) || strings.TrimSpace(line[at[1]:]) == "" {
			continue
		}
		line = line[:at[1]] + " " + redacted
		break
	}
	line = userInfo.ReplaceAllString(line, "://"+redacted+"@")
	return urlQuery.ReplaceAllString(line, "${1}"+redacted)
}

// soundsSecret reports whether a key may be meant to hold a secret.
func soundsSecret(key string) bool {
	return key != "token_url" && secretly.MatchString(key)
}
