package rules

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

// condition is a compiled condition. It is safe for concurrent use.
type condition struct{ program cel.Program }

// Limits of conditions. What a condition costs is counted as CEL counts it: about one for each
// access and comparison, a tenth for each character that is looked at.
const (
	maxText = 4 << 10 // of the condition, in bytes
	// maxSize is the size of the largest value that an estimate reckons with.
	maxSize = 1 << 20
	// maxEstimate is what an evaluation may cost by the estimate, where nothing repeats: that of an
	// event of a megabyte takes some milliseconds then.
	maxEstimate = 10_000_000
	// maxCost is what an evaluation may cost at run time, where something repeats: less than a
	// tenth of a second.
	maxCost = 1_000_000
)

// environment is what conditions may use: the event, the standard functions and those of texts,
// has, all and exists, and optional fields.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	opts := []cel.EnvOption{
		cel.ClearMacros(), cel.Macros(cel.HasMacro, cel.AllMacro, cel.ExistsMacro),
		cel.OptionalTypes(), cel.CrossTypeNumericComparisons(true), ext.Strings(),
		cel.Function(modulo, cel.Overload("modulo_of_doubles", []*cel.Type{cel.DoubleType, cel.DoubleType}, cel.DoubleType, cel.BinaryBinding(moduloOfDoubles))),
	}
	for _, name := range roots {
		opts = append(opts, cel.Variable(name, cel.DynType))
	}
	return cel.NewEnv(opts...)
})

// compile compiles a condition. Its error says where and why one is refused.
func compile(text string) (*condition, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("has %d bytes, more than %d", len(text), maxText)
	}
	env, err := environment()
	if err != nil {
		return nil, err
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, issueError(issues)
	}
	doubles(parsed.NativeRep())
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, issueError(issues)
	}
	if kind := checked.OutputType(); kind != cel.BoolType && kind != cel.DynType {
		return nil, fmt.Errorf("is %s, not true or false", kind)
	}
	opts, err := bounded(env, checked)
	if err != nil {
		return nil, err
	}
	program, err := env.Program(checked, opts...)
	if err != nil {
		return nil, err
	}
	return &condition{program}, nil
}

// issueError is the first issue of a text, with its place.
func issueError(issues *cel.Issues) error {
	e := issues.Errors()[0]
	return fmt.Errorf("line %d, column %d: %s", e.Location.Line(), e.Location.Column()+1, strings.ReplaceAll(e.Message, "\n", " "))
}

// modulo is the function that the operator % is, since CEL has it for whole numbers only.
const modulo = "@modulo"

// moduloOfDoubles is the rest of a division. Error: by zero.
func moduloOfDoubles(dividend, divisor ref.Val) ref.Val {
	by := float64(divisor.(types.Double))
	if by == 0 {
		return types.NewErr("modulus by zero")
	}
	return types.Double(math.Mod(float64(dividend.(types.Double)), by))
}

// wholeResults are the functions that give a whole number, and wholeArgs those that take some, each from
// an argument on.
var (
	wholeResults = []string{
		"size", "int", "uint", "indexOf", "lastIndexOf",
		"getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek", "getHours", "getMinutes", "getSeconds", "getMilliseconds",
	}
	wholeArgs = map[string]int{"substring": 0, "charAt": 0, "indexOf": 1, "lastIndexOf": 1, "split": 1, "replace": 2}
)

// doubles makes every whole number in a condition a double, as all numbers of an event are: CEL
// compares and combines only numbers of one type. What functions take as a whole number is made one
// again.
func doubles(a *ast.AST) {
	factory, id := ast.NewExprFactory(), ast.MaxID(a)
	within := func(function string, e ast.Expr) ast.Expr {
		id++
		inner := factory.NewUnspecifiedExpr(id)
		inner.SetKindCase(e)
		id++
		return factory.NewCall(id, function, inner)
	}
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.CallKind:
			call := e.AsCall()
			name, args := call.FunctionName(), slices.Clone(call.Args())
			if from, ok := wholeArgs[name]; ok && call.IsMemberFunction() {
				for i := from; i < len(args); i++ {
					args[i] = within("int", args[i])
				}
				e.SetKindCase(factory.NewMemberCall(e.ID(), name, call.Target(), args...))
			}
			if name == operators.Index && args[1].Kind() == ast.LiteralKind {
				if place, ok := args[1].AsLiteral().(types.Double); ok && place == types.Double(types.Int(place)) {
					args[1].SetKindCase(factory.NewLiteral(args[1].ID(), types.Int(place)))
				}
			}
			if name == operators.Modulo {
				e.SetKindCase(factory.NewCall(e.ID(), modulo, args...))
			}
			if slices.Contains(wholeResults, name) {
				e.SetKindCase(within("double", e))
			}
		case ast.LiteralKind:
			switch n := e.AsLiteral().(type) {
			case types.Int:
				e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(n)))
			case types.Uint:
				e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(n)))
			}
		default:
		}
	}))
}

// bounded returns the options that bound what an evaluation costs. A limit at run time triples
// what it costs, so it is there only where the size of the event decides how often something is
// done.
func bounded(env *cel.Env, checked *cel.Ast) ([]cel.ProgramOption, error) {
	if repeats(checked.NativeRep().Expr()) {
		return []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost)}, nil
	}
	estimate, err := env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, fmt.Errorf("estimating its cost: %w", err)
	}
	if estimate.Max > maxEstimate {
		return nil, fmt.Errorf("may cost %d for an event of a megabyte, more than %d: shorten it", estimate.Max, maxEstimate)
	}
	return []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}, nil
}

// repeats reports whether an expression goes through a list, or matches a pattern.
func repeats(e ast.Expr) (found bool) {
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		switch {
		case e.Kind() == ast.ComprehensionKind:
			found = true
		case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "matches":
			found = true
		}
	}))
	return found
}

// sizes estimates the sizes of what is in an event.
type sizes struct{}

// EstimateSize implements cost.Estimator.
func (sizes) EstimateSize(cost.AstNode) *cost.SizeEstimate {
	return &cost.SizeEstimate{Min: 0, Max: maxSize}
}

// EstimateCallCost implements cost.Estimator.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// Why a condition could not be evaluated. CEL's own errors quote values.
var (
	ErrMissing = errors.New("a field that the condition names is missing")
	ErrTypes   = errors.New("the condition compares or combines values of types that do not go together")
	ErrCost    = errors.New("the condition takes too long for this event")
	ErrNotBool = errors.New("the condition is neither true nor false")
	ErrFailed  = errors.New("the condition cannot be evaluated")
)

// FaultReason is a short word for the error of a Fault, one of a few.
func FaultReason(err error) string {
	switch {
	case errors.Is(err, ErrMissing):
		return "missing_field"
	case errors.Is(err, ErrTypes):
		return "types"
	case errors.Is(err, ErrCost):
		return "cost"
	case errors.Is(err, ErrNotBool):
		return "not_bool"
	}
	return "failed"
}

// holds evaluates the condition.
func (c *condition) holds(v *variables) (bool, error) {
	result, _, err := c.program.Eval(v)
	if err != nil {
		return false, reasonOf(err)
	}
	if b, ok := result.(types.Bool); ok {
		return bool(b), nil
	}
	return false, ErrNotBool
}

// reasonOf is an error of CEL without what it quotes.
func reasonOf(err error) error {
	for begins, reason := range map[string]error{
		"no such key": ErrMissing, "no such attribute": ErrMissing, "no such overload": ErrTypes, "unsupported": ErrTypes,
		"operation cancelled: actual cost limit exceeded": ErrCost,
	} {
		if strings.HasPrefix(err.Error(), begins) {
			return reason
		}
	}
	return ErrFailed
}
