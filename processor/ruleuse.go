package processor

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/deskstream/deskstream/sink"
)

// RuleUse is what a rule did since the process began: events whose outcome is acknowledged.
type RuleUse struct {
	Rule                     string
	Delivered, Skipped, Dead int64
	// Last is when the latest of them was settled, the zero time before the first.
	Last time.Time
	// Warnings are those of its outcomes by their kind, the most frequent first.
	Warnings []WarningCount
}

// WarningCount is how often a warning came. Its kind is its text without what it quotes and without
// numbers.
type WarningCount struct {
	Kind  string
	Count int64
}

// The bounds of what is kept of warnings: kinds of a rule, and bytes of a kind.
const (
	maxKinds = 20
	maxKind  = 160
)

// otherKinds counts warnings beyond maxKinds.
const otherKinds = "others"

// ruleUses count by rule. The rules are those of the configuration: few, and none is taken away.
type ruleUses struct {
	mu    sync.Mutex
	rules map[string]*ruleUse
}

type ruleUse struct {
	delivered, skipped, dead int64
	last                     time.Time
	kinds                    map[string]int64
}

// settled counts an outcome of a rule.
func (u *ruleUses) settled(o *sink.Outcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	use := u.rules[o.Rule]
	if use == nil {
		if u.rules == nil {
			u.rules = make(map[string]*ruleUse)
		}
		use = new(ruleUse)
		u.rules[o.Rule] = use
	}
	use.last = time.Now()
	switch o.Outcome {
	case sink.Delivered:
		use.delivered++
	case sink.Skipped:
		use.skipped++
	default:
		use.dead++
	}
	for _, text := range o.Warnings {
		use.warned(warningKind(text))
	}
}

func (u *ruleUse) warned(kind string) {
	if u.kinds == nil {
		u.kinds = make(map[string]int64)
	}
	if _, known := u.kinds[kind]; !known && len(u.kinds) >= maxKinds {
		kind = otherKinds
	}
	u.kinds[kind]++
}

// variable is what differs between warnings of one kind.
var variable = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|[0-9]+")

func warningKind(text string) string {
	kind := variable.ReplaceAllString(text, "\u2026")
	if len(kind) > maxKind {
		kind = kind[:maxKind]
	}
	if !utf8.ValidString(kind) {
		kind = strings.ToValidUTF8(kind, "")
	}
	return kind
}

// list is what each rule did that an event went by, by name.
func (u *ruleUses) list() []RuleUse {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := make([]RuleUse, 0, len(u.rules))
	for _, rule := range slices.Sorted(maps.Keys(u.rules)) {
		use := u.rules[rule]
		row := RuleUse{Rule: rule, Delivered: use.delivered, Skipped: use.skipped, Dead: use.dead, Last: use.last}
		for kind, n := range use.kinds {
			row.Warnings = append(row.Warnings, WarningCount{kind, n})
		}
		slices.SortFunc(row.Warnings, func(a, b WarningCount) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind))
		})
		list = append(list, row)
	}
	return list
}

// RuleUses returns what each rule did since the process began. Rules that no event went by are not
// among them.
func (p *Processor) RuleUses() []RuleUse { return p.metrics.reasons.rules.uses.list() }
