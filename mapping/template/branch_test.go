package template_test

import "testing"

// A value is true or false in the same way in if and unless; with, sections and each have
// rules of their own. The rules are those of Handlebars.
func TestBranch_whatCountsAsTrue(t *testing.T) {
	const (
		yes = "yes"
		no  = "no"
	)
	for _, c := range []struct{ value, ifs, zero, with, section, each string }{
		{value: `null`, ifs: no, zero: no, with: no, section: no, each: no},
		{value: `false`, ifs: no, zero: no, with: no, section: no, each: no},
		{value: `true`, ifs: yes, zero: yes, with: yes, section: yes, each: no},
		{value: `0`, ifs: no, zero: yes, with: yes, section: yes, each: no},
		{value: `-0`, ifs: no, zero: yes, with: yes, section: yes, each: no},
		{value: `0.00`, ifs: no, zero: yes, with: yes, section: yes, each: no},
		{value: `0e5`, ifs: no, zero: yes, with: yes, section: yes, each: no},
		{value: `1`, ifs: yes, zero: yes, with: yes, section: yes, each: no},
		{value: `-1`, ifs: yes, zero: yes, with: yes, section: yes, each: no},
		{value: `0.001`, ifs: yes, zero: yes, with: yes, section: yes, each: no},
		{value: `1e-400`, ifs: yes, zero: yes, with: yes, section: yes, each: no},
		{value: `""`, ifs: no, zero: no, with: no, section: yes, each: no},
		{value: `" "`, ifs: yes, zero: yes, with: yes, section: yes, each: no},
		{value: `"0"`, ifs: yes, zero: yes, with: yes, section: yes, each: no},
		{value: `"false"`, ifs: yes, zero: yes, with: yes, section: yes, each: no},
		{value: `[]`, ifs: no, zero: no, with: no, section: no, each: no},
		{value: `[0]`, ifs: yes, zero: yes, with: yes, section: yes, each: yes},
		{value: `[null]`, ifs: yes, zero: yes, with: yes, section: yes, each: yes},
		{value: `{}`, ifs: yes, zero: yes, with: yes, section: yes, each: no},
		{value: `{"k":null}`, ifs: yes, zero: yes, with: yes, section: yes, each: yes},
	} {
		opposite := map[string]string{yes: no, no: yes}
		checkOutputs(t, `{"v":`+c.value+`}`, []output{
			{"{{#if v}}yes{{else}}no{{/if}}", c.ifs},
			{"{{^if v}}yes{{else}}no{{/if}}", opposite[c.ifs]},
			{"{{#if v}}yes{{^}}no{{/if}}", c.ifs},
			{"{{#if v includeZero=true}}yes{{else}}no{{/if}}", c.zero},
			{"{{#unless v}}no{{else}}yes{{/unless}}", c.ifs},
			{"{{#unless v includeZero=1}}no{{else}}yes{{/unless}}", c.zero},
			{"{{#with v}}yes{{else}}no{{/with}}", c.with},
			{"{{#v}}yes{{else}}no{{/v}}", c.section},
			{"{{^v}}no{{else}}yes{{/v}}", c.section},
			{"{{^v}}no{{/v}}{{#v}}yes{{/v}}", c.section},
			{"{{#each v}}yes{{else}}no{{/each}}", c.each},
		})
	}
	checkOutputs(t, `{}`, []output{
		{"{{#if v}}yes{{else}}no{{/if}}", no},
		{"{{#unless v}}no{{/unless}}", no},
		{"{{#with v}}yes{{else}}no{{/with}}", no},
		{"{{#v}}yes{{else}}no{{/v}}", no},
		{"{{^v}}no{{/v}}", no},
		{"{{#each v}}yes{{else}}no{{/each}}", no},
	})
}

func TestIf_takesLiteralsAndLookups(t *testing.T) {
	checkOutputs(t, `{"o":{"k":1,"z":0},"zero":0,"on":true,"off":false}`, []output{
		{"{{#if true}}yes{{/if}}", "yes"},
		{"{{#if false}}yes{{else}}no{{/if}}", "no"},
		{"{{#if null}}yes{{else}}no{{/if}}", "no"},
		{"{{#if undefined}}yes{{else}}no{{/if}}", "no"},
		{"{{#if 0}}yes{{else}}no{{/if}}", "no"},
		{"{{#if 1}}yes{{/if}}", "yes"},
		{"{{#if ''}}yes{{else}}no{{/if}}", "no"},
		{"{{#if 'x'}}yes{{/if}}", "yes"},
		{"{{#if o.k}}yes{{/if}}", "yes"},
		{"{{#if (lookup o 'k')}}yes{{/if}}", "yes"},
		{"{{#if (lookup o 'z')}}yes{{else}}no{{/if}}", "no"},
		{"{{#if (lookup o 'z') includeZero=on}}yes{{else}}no{{/if}}", "yes"},
		{"{{#if zero includeZero=off}}yes{{else}}no{{/if}}", "no"},
		{"{{#if zero includeZero=false}}yes{{else}}no{{/if}}", "no"},
		{"{{#if zero other=true}}yes{{else}}no{{/if}}", "no"},
		{"{{#if zero other=1 includeZero=true}}yes{{else}}no{{/if}}", "yes"},
		{"{{#if zero includeZero=(lookup o 'k')}}yes{{else}}no{{/if}}", "yes"},
	})
}

func TestIf_chains(t *testing.T) {
	const source = "{{#if a}}A{{else if b}}B{{else unless c}}notC{{else}}C{{/if}}"
	checkExamples(t, []example{
		{source, `{"a":1,"b":1}`, "A"},
		{source, `{"b":1}`, "B"},
		{source, `{}`, "notC"},
		{source, `{"c":1}`, "C"},
		{"{{#if a}}A{{else if b}}B{{/if}}", `{}`, ""},
		{"{{#each a}}{{this}}{{else if b}}B{{else}}none{{/each}}", `{"a":[],"b":1}`, "B"},
		{"{{#each a}}{{this}}{{else each b}}{{this}}{{else}}none{{/each}}", `{"a":[],"b":[1,2]}`, "12"},
		{"{{#with a}}{{x}}{{else with b}}{{x}}{{/with}}", `{"b":{"x":2}}`, "2"},
		{"{{#a}}A{{else b}}B{{/a}}", `{"b":true}`, "B"},
		{"{{^a}}notA{{else if b}}B{{/a}}", `{"a":true,"b":1}`, "B"},
		{"{{#if a}}A{{else each b as |v|}}{{v}}{{/if}}", `{"b":[1,2]}`, "12"},
	})
}

func TestBranch_nests(t *testing.T) {
	checkExamples(t, []example{
		{"{{#if a}}{{#if b}}ab{{else}}a{{/if}}{{else}}{{#if b}}b{{else}}none{{/if}}{{/if}}", `{"a":1,"b":1}`, "ab"},
		{"{{#if a}}{{#if b}}ab{{else}}a{{/if}}{{else}}{{#if b}}b{{else}}none{{/if}}{{/if}}", `{"a":1}`, "a"},
		{"{{#if a}}{{#if b}}ab{{else}}a{{/if}}{{else}}{{#if b}}b{{else}}none{{/if}}{{/if}}", `{"b":1}`, "b"},
		{"{{#if a}}{{#if b}}ab{{else}}a{{/if}}{{else}}{{#if b}}b{{else}}none{{/if}}{{/if}}", `{}`, "none"},
		{"{{#unless a}}{{#unless b}}none{{/unless}}{{/unless}}", `{}`, "none"},
		{"{{#if a}}{{/if}}|", `{"a":1}`, "|"},
		{"{{#if a}}{{else}}{{/if}}|", `{}`, "|"},
	})
}

func TestWith_changesTheContext(t *testing.T) {
	checkOutputs(t, `{"n":"outer","o":{"n":"inner","l":[{"n":1}]},"zero":0,"t":"text"}`, []output{
		{"{{#with o}}{{n}}{{/with}}{{n}}", "innerouter"},
		{"{{#with o}}{{../n}}{{@root.n}}{{/with}}", "outerouter"},
		{"{{#with o.l.[0]}}{{n}}{{/with}}", "1"},
		{"{{#with (lookup o 'l')}}{{length}}{{/with}}", "1"},
		{"{{#with zero}}{{this}}{{/with}}", "0"},
		{"{{#with t}}{{this}}{{length}}{{/with}}", "text4"},
		{"{{#with 'lit'}}{{this}}{{/with}}", "lit"},
		{"{{#with missing}}{{n}}{{else}}{{n}}{{/with}}", "outer"}, // the inverse keeps the context
		{"{{^with missing}}{{n}}{{/with}}", "outer"},
		{"{{#with o as |p|}}{{p.n}}{{n}}{{/with}}", "innerinner"},
	})
}

func TestSection_withoutAHelper(t *testing.T) {
	checkOutputs(t, `{"n":"outer","o":{"n":"inner"},"l":[1,2],"lo":[{"n":1},{}],"t":true,"s":"x","z":0}`, []output{
		{"{{#o}}{{n}}{{../n}}{{/o}}", "innerouter"},
		{"{{#t}}{{n}}{{/t}}", "outer"}, // true changes nothing
		{"{{#l}}{{this}};{{/l}}", "1;2;"},
		{"{{#l}}{{@index}}{{@first}}{{@last}} {{/l}}", "0truefalse 1falsetrue "},
		{"{{#lo}}{{n}}|{{/lo}}", "1||"},
		{"{{#s}}{{this}}{{/s}}{{#z}}{{this}}{{/z}}", "x0"},
		{"{{#o.n}}{{this}}{{/o.n}}", "inner"},
		{"{{#./o}}{{n}}{{/./o}}", "inner"},
		{"{{#[o]}}{{n}}{{/[o]}}", "inner"},
		{`{{#"o"}}{{n}}{{/"o"}}`, "inner"},
		{"{{#this}}{{n}}{{/this}}", "outer"},
		{"{{#missing}}x{{/missing}}{{^missing}}{{n}}{{/missing}}", "outer"},
		{"{{#o}}a{{^}}b{{/o}}{{^o}}a{{^}}b{{/o}}", "ab"},
	})
}
