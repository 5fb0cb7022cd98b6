package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
)

func decode(t testing.TB, text string) mapping.Event {
	t.Helper()
	ev, err := mapping.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return ev
}

func compile(t testing.TB, matches ...rules.Match) *rules.Set {
	t.Helper()
	s, err := rules.New(matches)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func track(event string) string { return fmt.Sprintf(`{"type":"track","event":%q}`, event) }

func TestFirst_findsRulesByTypeAndName(t *testing.T) {
	set := compile(t,
		rules.Match{Type: "track", Events: []string{"Payment Failed", "Payment Failed"}},
		rules.Match{Type: "track", Events: []string{"Payment *"}},
		rules.Match{Type: "track", Events: []string{"Order Paid", "* Paid", "*a*b*"}},
		rules.Match{Type: "page", Events: []string{"Pricing"}},
		rules.Match{Type: "identify"},
		rules.Match{Type: "page"},
		rules.Match{Type: "track", Events: []string{"Order Paid"}},
		rules.Match{Type: "ticket.closed"},
		rules.Match{Type: "track", Events: []string{"Xyx*xyx"}},
	)
	tests := map[string]struct {
		event string
		want  int // -1 for none
	}{
		"exact":                           {track("Payment Failed"), 0},
		"a pattern":                       {track("Payment Due"), 1},
		"a pattern, nothing for the star": {track("Payment "), 1},
		"a pattern, shorter":              {track("Payment"), -1},
		"another case":                    {track("payment due"), -1},
		"a star in front":                 {track("Invoice Paid"), 2},
		"the text of a pattern":           {track("* Paid"), 2},
		"the first of two":                {track("Order Paid"), 2},
		"parts in their order":            {track("xaxbx"), 2},
		"parts in another order":          {track("xbxax"), -1},
		"no name of any":                  {track("Order Shipped"), -1},
		"without a name":                  {`{"type":"track"}`, -1},
		"a page by its name":              {`{"type":"page","name":"Pricing"}`, 3},
		"a page by its property":          {`{"type":"page","properties":{"name":"Pricing"}}`, 3},
		"every page":                      {`{"type":"page","name":"Home"}`, 5},
		"a page without a name":           {`{"type":"page"}`, 5},
		"a type in capitals":              {`{"type":"IDENTIFY"}`, 4},
		"a type of no rule":               {`{"type":"screen","name":"Pricing"}`, -1},
		"a desk's event":                  {`{"type":"ticket.closed"}`, 7},
		"a pattern's two ends":            {track("Xyxxyx"), 8},
		"a pattern's ends, in one":        {track("Xyx"), -1},
		"a pattern's ends, over another":  {track("Xyxyx"), -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := set.First(decode(t, tt.event), func(f rules.Fault) { t.Error(f) })
			if !ok {
				got = -1
			}
			if got != tt.want {
				t.Errorf("rule %d, want %d", got, tt.want)
			}
		})
	}
}

const payment = `{"type":"Track","event":"Payment Failed","userId":"u-1","properties":{"amount":150,"ratio":0.5,"total":21,"plan":"vip",
	"items":[{"sku":"a","n":2},{"sku":"b","n":1}],"nested":{"x":true},"odd key":1,"nothing":null,"big":9007199254740993},"traits":{"plan":"pro"}}`

func TestFirst_evaluatesConditions(t *testing.T) {
	tests := map[string]struct {
		when  string
		want  bool
		fault error
	}{
		"a number above":                    {`properties.amount >= 100.0`, true, nil},
		"a whole literal":                   {`properties.amount >= 100`, true, nil},
		"arithmetic over a whole number":    {`properties.total / 2 == 10.5`, true, nil},
		"arithmetic with a whole literal":   {`properties.amount * 2 + 1 > 300`, true, nil},
		"a negative literal":                {`properties.amount > -1`, true, nil},
		"a fraction":                        {`properties.ratio < 1`, true, nil},
		"text":                              {`properties.plan == "vip" && traits.plan != "free"`, true, nil},
		"the other branch":                  {`properties.plan == "free" || traits.plan == "pro"`, true, nil},
		"in a list of texts":                {`properties.plan in ["gold", "vip"]`, true, nil},
		"in a list of numbers":              {`properties.amount in [1, 150]`, true, nil},
		"an element by its place":           {`properties.items[1].sku == "b"`, true, nil},
		"the size of a list":                {`size(properties.items) > 1`, true, nil},
		"a size is a double":                {`size(properties.items) == 2 && properties.items[properties.items.size() - 1].n / 2 == size("a") / 2`, true, nil},
		"a rest":                            {`properties.total % 2 == 1 && -7 % 3 == -1 && properties.ratio % 1 == 0.5`, true, nil},
		"a rest of a number that is cut":    {`int(properties.total / 2) % 5 == 0`, true, nil},
		"a rest by nothing":                 {`properties.total % 0 == 0`, false, rules.ErrFailed},
		"a rest of a text":                  {`properties.plan % 2 == 0`, false, rules.ErrTypes},
		"cut to a whole number":             {`int(properties.ratio) == 0 && int("42") == 42 && uint(properties.amount) / 4 == 37.5`, true, nil},
		"no whole number":                   {`int(properties.plan) == 1`, false, rules.ErrFailed},
		"a part of a text":                  {`properties.plan.substring(1, 3) == "ip" && properties.plan.charAt(0) == "v"`, true, nil},
		"a part by a whole number":          {`properties.plan.substring(int(properties.ratio)) == "vip"`, true, nil},
		"a place in a text":                 {`properties.plan.indexOf("p") == 2 && properties.plan.lastIndexOf("v", 2) == 0`, true, nil},
		"a text in parts":                   {`"a,b,c".split(",", 2)[1] == "b,c" && "aa".replace("a", "b", 1) == "ba"`, true, nil},
		"a time":                            {`timestamp("2026-12-01T09:30:00Z").getHours() == 9 && timestamp("2026-12-01T09:30:00Z").getDayOfWeek() in [1, 2]`, true, nil},
		"a time in a zone":                  {`timestamp("2026-12-01T09:30:00Z").getHours("Europe/Amsterdam") == 10`, true, nil},
		"a duration":                        {`duration("90m").getMinutes() / 4 == 22.5`, true, nil},
		"some element":                      {`properties.items.exists(i, i.n > 1)`, true, nil},
		"all elements":                      {`properties.items.all(i, i.n > 1)`, false, nil},
		"functions of texts":                {`event.startsWith("Payment") && event.lowerAscii().contains("fail")`, true, nil},
		"a pattern":                         {`properties.plan.matches("^v.p$")`, true, nil},
		"a field by its text":               {`properties["odd key"] == 1`, true, nil},
		"a boolean alone":                   {`properties.nested.x`, true, nil},
		"the type, in lower case":           {`type == "track"`, true, nil},
		"null":                              {`properties.nothing == null`, true, nil},
		"has":                               {`has(properties.plan) && !has(properties.gone)`, true, nil},
		"has of a container that is absent": {`has(context.traits)`, false, nil},
		"optional":                          {`properties.?gone.orValue(7) == 7`, true, nil},
		"a missing field":                   {`properties.gone == 1`, false, rules.ErrMissing},
		"a missing field, unequal":          {`properties.gone != 1`, false, rules.ErrMissing},
		"a missing field beside a match":    {`properties.gone == 1 || properties.amount > 1`, true, nil},
		"a missing root":                    {`groupId == "g"`, false, rules.ErrMissing},
		"number and text":                   {`properties.amount > "100"`, false, rules.ErrTypes},
		"text as a condition":               {`properties.plan`, false, rules.ErrNotBool},
		"text that is no number":            {`double(properties.plan) > 1`, false, rules.ErrFailed},
		"a key that is an event's value":    {`properties[properties.plan] == 1`, false, rules.ErrMissing},
		"a division by nothing":             {`properties.amount / 0 > 1`, true, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := compile(t, rules.Match{Type: "track", When: tt.when})
			var fault error
			_, got := set.First(decode(t, payment), func(f rules.Fault) { fault = f.Err })
			if got != tt.want || !errors.Is(fault, tt.fault) {
				t.Errorf("matches: %v, fault %v; want %v, %v", got, fault, tt.want, tt.fault)
			}
		})
	}
}

func TestFirst_goesOnAfterAConditionThatFails(t *testing.T) {
	set := compile(t,
		rules.Match{Type: "track", When: "properties.gone > 1"},
		rules.Match{Type: "track", Events: []string{"Payment *", "*"}, When: `properties.plan == "free"`},
		rules.Match{Type: "track", Events: []string{"Payment Failed", "Payment Failed", "*"}, When: `properties.plan == "free"`},
		rules.Match{Type: "track", Events: []string{"Payment Failed"}, When: `properties.plan == "vip"`},
		rules.Match{Type: "track"},
	)
	var faults []int
	got, ok := set.First(decode(t, payment), func(f rules.Fault) { faults = append(faults, f.Rule) })
	if !ok || got != 3 || len(faults) != 1 || faults[0] != 0 {
		t.Errorf("rule %d, %v, faults of %v; want rule 3 after a fault of rule 0", got, ok, faults)
	}
}

func TestNew_refusesWhatCannotBeEvaluated(t *testing.T) {
	tests := map[string]struct{ when, want string }{
		"no expression":            {"properties.amount >", "rules[1].when: line 1, column 20: "},
		"on a later line":          {"properties.amount > 1 &&\n  )", "rules[1].when: line 2, column 3: "},
		"an unknown root":          {`property.amount > 1`, "undeclared reference to 'property'"},
		"an unknown function":      {`properties.plan.upper() == "VIP"`, "undeclared reference to 'upper'"},
		"a macro that is not here": {`properties.items.map(i, i.n).size() > 1`, "undeclared reference to 'map'"},
		"a number":                 {`1 + 2`, "is double, not true or false"},
		"text and number":          {`"a" > 1`, "no matching overload"},
		"too long":                 {`type == "` + strings.Repeat("x", 5000) + `"`, "more than 4096"},
		"too costly":               {strings.Repeat(`event.contains(userId) && `, 140) + "true", "more than 10000000"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := rules.New([]rules.Match{{Type: "track"}, {Type: "track", When: tt.when}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestNew_namesAllFaults(t *testing.T) {
	_, err := rules.New([]rules.Match{{Type: "track", When: "("}, {Type: "track", Events: []string{"a", ""}}, {Type: "track", When: ")"}})
	for _, want := range []string{"rules[0].when: ", "rules[1].match.event[1]: is empty", "rules[2].when: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// What goes through an event's lists is bounded when it is evaluated.
func TestFirst_aConditionThatTakesTooLongDoesNotMatch(t *testing.T) {
	set := compile(t, rules.Match{Type: "track", When: `properties.a.all(x, properties.a.all(y, x + y > 0))`})
	list := strings.TrimSuffix(strings.Repeat("1,", 2000), ",")
	var faults []rules.Fault
	_, ok := set.First(decode(t, `{"type":"track","properties":{"a":[`+list+`]}}`), func(f rules.Fault) { faults = append(faults, f) })
	if ok || len(faults) != 1 || !errors.Is(faults[0].Err, rules.ErrCost) {
		t.Errorf("matches %v, faults %v", ok, faults)
	}
}

// Events that no rule names cost nothing that is left over.
func TestFirst_anEventOfNoRuleAllocatesNothing(t *testing.T) {
	set := compile(t, rules.Match{Type: "track", Events: []string{"Payment Failed", "Invoice *"}, When: "properties.amount > 1"})
	ev := decode(t, track("Order Shipped"))
	if n := testing.AllocsPerRun(100, func() { set.First(ev, func(rules.Fault) {}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	r, err := rules.Compile([]rules.Rule{rule("a", func(r *rules.Rule) { r.Match.Event, r.Ticket.Note = []string{"Payment Failed", "Invoice *"}, "x" })})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _, _ = r.Decide(ev, func(string, error) {}) }); n != 0 {
		t.Errorf("%v allocations for a decision", n)
	}
}
