package rules

import (
	"errors"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// isNever reports whether a condition holds for no event of a type, whatever else the event has;
// failing says that it cannot be evaluated for any. A text that does not compile is not judged.
func isNever(text, typ string) (never, failing bool) {
	checked := checkedAST(text)
	if checked == nil {
		return false, false
	}
	env, err := environment()
	if err != nil {
		return false, false
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(maxCost))
	if err != nil {
		return false, false
	}
	var unknown []*cel.AttributePatternType
	for _, name := range roots {
		if name != "type" {
			unknown = append(unknown, cel.AttributePattern(name))
		}
	}
	vars, err := cel.PartialVars(map[string]any{"type": typ}, unknown...)
	if err != nil {
		return false, false
	}
	result, _, err := program.Eval(vars)
	if err != nil {
		failing = !errors.Is(reasonOf(err), ErrCost)
		return failing, failing
	}
	return result == types.False, false
}

// checkedAST is the syntax of a condition that compiles, nil for none.
func checkedAST(text string) *cel.Ast {
	env, err := environment()
	if err != nil || blank(text) || len(text) > maxText {
		return nil
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil
	}
	doubles(parsed.NativeRep())
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil
	}
	return checked
}

// unguarded are the fields that a condition negates, or compares with !=, without asking has() of
// them: where one is missing the condition fails, although its author may have thought that it
// would hold. They are written as in the condition.
func unguarded(text string) (fields []string) {
	checked := checkedAST(text)
	if checked == nil {
		return nil
	}
	whole := checked.NativeRep().Expr()
	guards := guardsIn(whole)
	visit(whole, func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		if name := e.AsCall().FunctionName(); name != operators.NotEquals && name != operators.LogicalNot {
			return
		}
		for _, arg := range e.AsCall().Args() {
			for _, path := range pathsIn(arg) {
				if !slices.Contains(guards, path) && !slices.Contains(fields, path) {
					fields = append(fields, path)
				}
			}
		}
	})
	return fields
}

func visit(e ast.Expr, see func(ast.Expr)) { ast.PreOrderVisit(e, ast.NewExprVisitor(see)) }

// guardsIn are the fields of which an expression asks whether they are there.
func guardsIn(e ast.Expr) (guards []string) {
	visit(e, func(e ast.Expr) {
		switch {
		case e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly():
			guards = append(guards, pathOf(e.AsSelect().Operand())+"."+e.AsSelect().FieldName())
		case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.In:
			args := e.AsCall().Args()
			if key, ok := textOf(args[0]); ok {
				guards = append(guards, pathOf(args[1])+"["+key+"]")
			}
		}
	})
	return guards
}

// pathsIn are the fields that an expression names, but for those that it asks has() of.
func pathsIn(e ast.Expr) (paths []string) {
	within := map[int64]bool{} // parts of longer paths
	visit(e, func(e ast.Expr) {
		if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
			within[e.AsSelect().Operand().ID()] = true
			return
		}
		path, of := pathOf(e), container(e)
		if of == nil {
			return
		}
		if !within[e.ID()] && path != "" {
			paths = append(paths, path)
		}
		within[of.ID()] = true
	})
	return paths
}

// pathOf is the text of an expression that names a field or a member of an event, "" for another.
func pathOf(e ast.Expr) string {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent()
	}
	of := container(e)
	if of == nil || pathOf(of) == "" {
		return ""
	}
	if e.Kind() == ast.SelectKind {
		return pathOf(of) + "." + e.AsSelect().FieldName()
	}
	key, _ := textOf(e.AsCall().Args()[1])
	return pathOf(of) + "[" + key + "]"
}

// container is what an expression names a field of, nil for an expression that names none.
func container(e ast.Expr) ast.Expr {
	switch {
	case e.Kind() == ast.SelectKind:
		return e.AsSelect().Operand()
	case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index:
		if _, ok := textOf(e.AsCall().Args()[1]); ok {
			return e.AsCall().Args()[0]
		}
	}
	return nil
}

// question is the text that asks whether a field is there.
func question(path string) string {
	if of, key, ok := strings.Cut(strings.TrimSuffix(path, "]"), "["); ok && strings.HasSuffix(path, "]") && !strings.Contains(key, "[") {
		return key + " in " + of
	}
	return "has(" + path + ")"
}

// negated is a question, negated.
func negated(question string) string {
	if strings.HasPrefix(question, "has(") {
		return "!" + question
	}
	return "!(" + question + ")"
}

// textOf is a literal text, quoted.
func textOf(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return `"` + strings.ReplaceAll(string(text), `"`, `\"`) + `"`, ok
}
