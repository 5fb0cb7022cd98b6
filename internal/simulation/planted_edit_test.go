//go:build synctests

package simulation

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A production is a file of the program and the changes that faults make to it.
type production struct {
	path    string // from the repository's root
	text    string
	parsed  *ast.File
	splices []splice
	added   string // goes behind all else
}

// A splice replaces the bytes from one offset up to another.
type splice struct {
	from, to int
	text     string
}

// sourcesIn parses the production files below a directory of the repository.
func sourcesIn(dir string) ([]*production, error) {
	var found []*production
	err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// With a file set of its own, a position is the offset plus one.
		parsed, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		path, err = filepath.Rel(root, path)
		found = append(found, &production{path: path, text: string(text), parsed: parsed})
		return err
	})
	return found, err
}

// changed is the file's text with all splices.
func (s *production) changed() string { return s.between(0, len(s.text)) + s.added }

// between is what stands between two offsets, with all splices.
func (s *production) between(from, to int) string {
	slices.SortStableFunc(s.splices, func(a, b splice) int { return a.from - b.from })
	var b strings.Builder
	for _, c := range s.splices {
		b.WriteString(s.text[from:c.from])
		b.WriteString(c.text)
		from = c.to
	}
	b.WriteString(s.text[from:to])
	return b.String()
}

func (s *production) replace(n ast.Node, text string) {
	s.splices = append(s.splices, splice{int(n.Pos()) - 1, int(n.End()) - 1, text})
}

func (s *production) insert(at token.Pos, text string) {
	s.splices = append(s.splices, splice{int(at) - 1, int(at) - 1, text})
}

func (s *production) textOf(n ast.Node) string { return s.text[n.Pos()-1 : n.End()-1] }

// A declared is a function and the file that has it.
type declared struct {
	*production
	fn *ast.FuncDecl
}

// declaration finds a function by its name, a method by Type.method.
func declaration(files []*production, name string) (declared, error) {
	var found []declared
	for _, f := range files {
		for _, d := range f.parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && nameOf(fn) == name {
				found = append(found, declared{f, fn})
			}
		}
	}
	if len(found) != 1 {
		return declared{}, fmt.Errorf("%d functions are called %s, want one: give the new name", len(found), name)
	}
	return found[0], nil
}

// nameOf is Type.method or the function's name.
func nameOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	typ := fn.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	switch generic := typ.(type) {
	case *ast.IndexExpr:
		typ = generic.X
	case *ast.IndexListExpr:
		typ = generic.X
	}
	name, _ := typ.(*ast.Ident)
	return name.Name + "." + fn.Name.Name
}

// fill puts the names of receiver and parameters in the place of $recv, $1, $2, ...
func (d declared) fill(text string) string {
	n := 0
	for _, field := range d.fn.Type.Params.List {
		for _, name := range field.Names {
			n++
			text = strings.ReplaceAll(text, "$"+strconv.Itoa(n), name.Name)
		}
	}
	if d.fn.Recv != nil {
		text = strings.ReplaceAll(text, "$recv", d.fn.Recv.List[0].Names[0].Name)
	}
	return text
}

// A spot is a node that an edit can change, and the nodes whose names identify it.
type spot struct {
	ast.Node
	names []ast.Node
}

// one is the only innermost place of a kind that has all the names.
func (d declared) one(kind func(ast.Node) []spot, names []string) (spot, error) {
	var found []spot
	ast.Inspect(d.fn.Body, func(n ast.Node) bool {
		for _, at := range kind(n) {
			if hasAll(at.names, names) {
				found = append(found, at)
			}
		}
		return true
	})
	inner := slices.DeleteFunc(slices.Clone(found), func(outer spot) bool {
		return slices.ContainsFunc(found, func(in spot) bool {
			return in.Node != outer.Node && in.Pos() >= outer.Pos() && in.End() <= outer.End()
		})
	})
	if len(inner) != 1 {
		return spot{}, fmt.Errorf("%d places in %s name %s, want one", len(inner), d.path, strings.Join(names, ", "))
	}
	return inner[0], nil
}

func hasAll(nodes []ast.Node, names []string) bool {
	missing := slices.Clone(names)
	for _, n := range nodes {
		ast.Inspect(n, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				missing = slices.DeleteFunc(missing, func(name string) bool { return name == id.Name })
			}
			return true
		})
	}
	return len(missing) == 0
}

// An edit changes one place in a function. The names that say which are of fields,
// functions, types and constants, never of local variables.
type edit func(d declared) error

// wrap puts the innermost expression with these names in the place of %s: a call, a field or
// an operation.
func wrap(format string, names ...string) edit {
	return func(d declared) error {
		partial := make(map[ast.Node]bool) // no expressions of their own
		kind := func(n ast.Node) []spot {
			switch n := n.(type) {
			case *ast.CallExpr:
				partial[n.Fun] = true
			case *ast.SelectorExpr:
				partial[n.Sel] = true
			}
			if _, ok := n.(ast.Expr); ok && !partial[n] {
				return []spot{{n, []ast.Node{n}}}
			}
			return nil
		}
		at, err := d.one(kind, names)
		if err == nil {
			d.replace(at, d.fill(fmt.Sprintf(format, d.textOf(at))))
		}
		return err
	}
}

// always makes a condition of an if or a switch true, never makes it false. Names may also be in
// the statement that goes before the condition of an if.
func always(names ...string) edit { return condition("true || (%s)", names) }

func never(names ...string) edit { return condition("false && (%s)", names) }

func condition(format string, names []string) edit {
	return func(d declared) error {
		at, err := d.one(conditions, names)
		if err == nil {
			d.replace(at, fmt.Sprintf(format, d.textOf(at)))
		}
		return err
	}
}

func conditions(n ast.Node) []spot {
	switch n := n.(type) {
	case *ast.IfStmt:
		names := []ast.Node{n.Cond}
		if n.Init != nil {
			names = append(names, n.Init)
		}
		return []spot{{n.Cond, names}}
	case *ast.SwitchStmt:
		if n.Tag != nil {
			return nil
		}
		var found []spot
		for _, c := range n.Body.List {
			for _, cond := range c.(*ast.CaseClause).List {
				// What a branch does says which it is as well as its condition.
				found = append(found, spot{cond, []ast.Node{c}})
			}
		}
		return found
	}
	return nil
}

// drop deletes a statement: a call, or an assignment to something that there is already.
func drop(names ...string) edit {
	return func(d declared) error {
		at, err := d.one(func(n ast.Node) []spot {
			assign, ok := n.(*ast.AssignStmt)
			if _, call := n.(*ast.ExprStmt); call || ok && assign.Tok == token.ASSIGN {
				return []spot{{n, []ast.Node{n}}}
			}
			return nil
		}, names)
		if err == nil {
			d.replace(at, "")
		}
		return err
	}
}

// first puts statements before all others of the function.
func first(text string) edit {
	return func(d declared) error {
		d.insert(d.fn.Body.Lbrace+1, "\n"+d.fill(text)+"\n")
		return nil
	}
}

// dontWait gives a select a default.
func dontWait(names ...string) edit {
	return func(d declared) error {
		at, err := d.one(func(n ast.Node) []spot {
			if s, ok := n.(*ast.SelectStmt); ok {
				return []spot{{s.Body, []ast.Node{s}}}
			}
			return nil
		}, names)
		if err == nil {
			d.insert(at.Pos()+1, "\ndefault:")
		}
		return err
	}
}

// callBefore calls a callback as soon as the statement is over in which it is handed over, and
// leaves nothing to do for the one who was to call it.
func callBefore(args string, names ...string) edit {
	return func(d declared) error {
		at, err := d.one(func(n ast.Node) []spot {
			if _, ok := n.(*ast.FuncLit); ok {
				return []spot{{n, []ast.Node{n}}}
			}
			return nil
		}, names)
		if err != nil {
			return err
		}
		var around ast.Stmt // the innermost, as it is found last
		ast.Inspect(d.fn.Body, func(n ast.Node) bool {
			if s, ok := n.(*ast.ExprStmt); ok && s.Pos() <= at.Pos() && at.End() <= s.End() {
				around = s
			}
			return true
		})
		if around == nil {
			return errors.New("the callback is not handed over in a call")
		}
		d.insert(around.Pos(), "early := "+d.textOf(at)+"\n")
		d.replace(at, d.textOf(at.Node.(*ast.FuncLit).Type)+" {}")
		d.insert(around.End(), "\nearly("+args+")")
		return nil
	}
}
