package rules_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
)

func TestPriorities_thatOfTheRuleElseThatOfTheType(t *testing.T) {
	compiled, err := rules.Compile([]rules.Rule{
		{Name: "big", Match: rules.Pattern{Type: "track", Event: []string{"Paid"}}, When: "properties.amount >= 100.0", Priority: "high", Default: true},
		{Name: "small", Match: rules.Pattern{Type: "track", Event: []string{"Paid"}}, Priority: "low", Default: true},
		{Name: "silent", Match: rules.Pattern{Type: "track", Event: []string{"Seen"}}, Default: true},
		{Name: "group", Match: rules.Pattern{Type: "group"}, Default: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"track": "normal", "identify": "low", "group": "high", "call": "high"}
	p := rules.NewPriorities(compiled, types)
	for value, want := range map[string]mapping.Priority{
		`{"type":"track","event":"Paid","properties":{"amount":100}}`: mapping.High,
		`{"type":"track","event":"Paid","properties":{"amount":99}}`:  mapping.Low,
		`{"type":"track","event":"Paid"}`:                             mapping.Low, // the condition fails
		`{"type":" Track ","event":"Seen"}`:                           mapping.Normal,
		`{"type":"track","event":"Other"}`:                            mapping.Normal,
		`{"type":"identify"}`:                                         mapping.Low,
		`{"type":"group"}`:                                            mapping.High,
		`{"type":"page"}`:                                             mapping.Normal,
		`{"type":"track"`:                                             mapping.Normal,
		``:                                                            mapping.Normal,
	} {
		if got := p.Of(mapping.PlainReader, mapping.JSON, []byte(value), nil); got != want {
			t.Errorf("%s is %s, want %s", value, got, want)
		}
	}
	begun := &mapping.RuleMark{Name: "big"}
	if got := p.Of(mapping.PlainReader, mapping.JSON, []byte(`{"type":"track","event":"Paid"}`), begun); got != mapping.High {
		t.Errorf("an event that has begun by a rule that is high is %s", got)
	}
	if p.OfCalls() != mapping.High {
		t.Errorf("calls are %s", p.OfCalls())
	}
}

func TestPriorities_areNoneWhereNothingHasOne(t *testing.T) {
	compiled, err := rules.Compile([]rules.Rule{{Name: "a", Match: rules.Pattern{Type: "track"}, Default: true}})
	if err != nil {
		t.Fatal(err)
	}
	p := rules.NewPriorities(compiled, nil)
	if p != nil || p.OfCalls() != mapping.Normal || p.Of(mapping.PlainReader, mapping.JSON, []byte(`{"type":"track"}`), nil) != mapping.Normal {
		t.Errorf("priorities: %+v", p)
	}
}

func TestParsePriority_takesItsOwnNames(t *testing.T) {
	for rank, p := range mapping.Priorities {
		if got, ok := mapping.ParsePriority(p.String()); !ok || got != p || p.Rank() != rank {
			t.Errorf("%s is read as %s, %v, rank %d", p, got, ok, p.Rank())
		}
	}
	for _, name := range []string{"", "High", "urgent"} {
		if _, ok := mapping.ParsePriority(name); ok {
			t.Errorf("%q is a priority", name)
		}
	}
}
