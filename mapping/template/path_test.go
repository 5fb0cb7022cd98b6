package template_test

import "testing"

func TestPath_leadsIntoObjects(t *testing.T) {
	checkOutputs(t, `{"a":{"b":{"c":"deep"},"n":null,"t":"text"}}`, []output{
		{"{{a.b.c}}", "deep"},
		{"{{a/b/c}}", "deep"},
		{"{{a.b/c}}", "deep"},
		{"{{[a].[b].[c]}}", "deep"},
		{"{{a.b}}", `{"c":"deep"}`},
		{"{{a.x}}|", "|"},
		{"{{a.x.c}}|", "|"},
		{"{{x.y.z}}|", "|"},
		{"{{a.n.c}}|", "|"},
		{"{{a.t.c}}|", "|"},
		{"{{a.b.c.d}}|", "|"},
		{"{{A.b.c}}|", "|"},
	})
}

func TestPath_leadsIntoLists(t *testing.T) {
	checkOutputs(t, `{"a":[7,8],"items":[{"name":"n"},{"name":"m"}],"nested":[[1,2],[3]],"empty":[]}`, []output{
		{"{{a.[0]}}", "7"},
		{"{{a.[1]}}", "8"},
		{"{{a.[2]}}|", "|"},
		{"{{a.[-1]}}|", "|"},
		{"{{a.[00]}}|", "|"},
		{"{{a.[+1]}}|", "|"},
		{"{{a.[1.0]}}|", "|"},
		{"{{a.[ 1]}}|", "|"},
		{"{{a.[99999999999999999999]}}|", "|"},
		{"{{a.x}}|", "|"},
		{"{{items.0.name}}", "n"},
		{"{{items.[1].name}}", "m"},
		{"{{items/1/name}}", "m"},
		{"{{items.name}}|", "|"},
		{"{{nested.0.[1]}}", "2"},
		{"{{a.length}}", "2"},
		{"{{empty.length}}", "0"},
		{"{{items.0.length}}|", "|"},
	})
}

func TestPath_leadsIntoText(t *testing.T) {
	checkOutputs(t, `{"a":"h\u00e9\ud83d\ude00","e":"","n":12,"b":{"length":"own"},"t":true}`, []output{
		{"{{a.length}}", "4"},
		{"{{a.[0]}}", "h"},
		{"{{a.[1]}}", "é"},
		{"{{a.[2]}}", "\ufffd"}, // half of the pair that one emoji is
		{"{{a.[4]}}|", "|"},
		{"{{a.[00]}}|", "|"},
		{"{{a.[-1]}}|", "|"},
		{"{{a.x}}|", "|"},
		{"{{lookup a 1}}", "é"},
		{"{{e.length}}", "0"},
		{"{{n.length}}|", "|"},
		{"{{t.length}}|", "|"},
		{"{{b.length}}", "own"},
	})
}

func TestPath_namesMayHaveManyForms(t *testing.T) {
	checkExamples(t, []example{
		{"{{order-total}}", `{"order-total":1}`, "1"},
		{"{{a_b}}{{$a}}{{a$}}", `{"a_b":2,"$a":3,"a$":4}`, "234"},
		{"{{über}}{{日本}}", `{"über":4,"日本":5}`, "45"},
		{"{{a:b}}{{1a}}{{a?}}", `{"a:b":5,"1a":6,"a?":7}`, "567"},
		{"{{[Order Total]}}", `{"Order Total":5}`, "5"},
		{"{{o.[a b]}}", `{"o":{"a b":6}}`, "6"},
		{"{{[a.b]}}{{[a/b]}}", `{"a.b":7,"a/b":8}`, "78"},
		{`{{[a\]b]}}`, `{"a]b":1}`, "1"},
		{`{{[a\\b]}}`, `{"a\\b":1}`, "1"},
		{"{{[]}}", `{"":1}`, "1"},
		{"{{[{{]}}", `{"{{":1}`, "1"},
		{"{{elsewhere}}{{else-x}}{{trueish}}{{asset}}{{nullable}}", `{"elsewhere":1,"else-x":2,"trueish":3,"asset":4,"nullable":5}`, "12345"},
		{"{{thisone}}{{as}}", `{"thisone":1,"as":2}`, "12"},
		{"{{ifx}}{{eachother}}", `{"ifx":1,"eachother":2}`, "12"},
	})
}

func TestPath_literalsNameMembers(t *testing.T) {
	checkOutputs(t, `{"a b":1,"12":2,"true":3,"null":4,"1.5":5,"it's":6,"a\"b":7,"-1":8}`, []output{
		{`{{"a b"}}`, "1"},
		{`{{'a b'}}`, "1"},
		{`{{12}}`, "2"},
		{`{{true}}`, "3"},
		{`{{1.5}}`, "5"},
		{`{{"it's"}}`, "6"},
		{`{{'it\'s'}}`, "6"},
		{`{{"a\"b"}}`, "7"},
		{`{{-1}}`, "8"},
		{`{{false}}|`, "|"},
		{`{{undefined}}|`, "|"},
		{`{{"x"}}|`, "|"},
	})
}

func TestPath_ownMembersOnly(t *testing.T) {
	checkExamples(t, []example{
		{"{{constructor}}{{toString}}{{__proto__}}{{a.constructor}}{{hasOwnProperty}}|", `{"a":{}}`, "|"},
		{"{{a.push}}{{t.trim}}{{a.constructor.name}}|", `{"a":[1],"t":"x"}`, "|"},
		{"{{constructor}}{{__proto__}}", `{"constructor":"own","__proto__":"too"}`, "owntoo"},
		{"{{#with a}}{{constructor}}{{/with}}|", `{"a":{"b":1}}`, "|"},
		{"{{lookup a 'constructor'}}|", `{"a":{"b":1}}`, "|"},
	})
}

func TestPath_currentAndOuterValues(t *testing.T) {
	checkOutputs(t, `{"a":"x","o":{"a":"y","p":{"a":"z"}}}`, []output{
		{"{{this.a}}{{./a}}{{this/a}}", "xxx"},
		{"{{#with o}}{{a}}{{this.a}}{{../a}}{{/with}}", "yyx"},
		{"{{#with o}}{{#with p}}{{a}}{{../a}}{{../../a}}{{/with}}{{/with}}", "zyx"},
		{"{{#with o}}{{#with p}}{{../this.a}}{{.././a}}{{/with}}{{/with}}", "yy"},
		{"{{#with o.p}}{{../a}}{{/with}}", "x"},
		{"{{#with o}}{{o}}{{/with}}|", "|"}, // a name is not looked up further out
		{"{{../a}}|", "|"},
		{"{{#with o}}{{../../a}}{{/with}}|", "|"},
		{"{{#if o}}{{a}}{{../a}}{{/if}}", "x"}, // if is no context of its own
		{"{{#with o.p}}{{..}}{{/with}}", `{"a":"x","o":{"a":"y","p":{"a":"z"}}}`},
		{"{{#with a}}{{this}}{{.}}{{/with}}", "xx"},
	})
}

func TestPath_namesOfHelpers(t *testing.T) {
	checkExamples(t, []example{
		{"{{this.if}}{{./each}}{{o.with}}", `{"if":1,"each":2,"o":{"with":3}}`, "123"},
		{"{{this.lookup}}{{./log}}{{@root.unless}}", `{"lookup":1,"log":2,"unless":3}`, "123"},
		{"{{#this.if}}{{x}}{{/this.if}}", `{"if":{"x":1}}`, "1"},
		{"{{#each each}}{{this}}{{/each}}", `{"each":[1,2]}`, "12"},
		{"{{#if if}}x{{/if}}", `{"if":1}`, "x"},
		{"{{lookup lookup 'a'}}", `{"lookup":{"a":1}}`, "1"},
		{"{{log}}{{log a}}{{log a b level='x'}}|", `{"log":"x","a":1}`, "|"},
	})
}

// A place in a list is a number in its shortest form, as in JavaScript.
func TestPath_placesInLists(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"0", "a"},
		{"1", "b"},
		{"10", "k"},
		{"11", ""},
		{"-0", ""},
		{"-1", ""},
		{"+1", ""},
		{"01", ""},
		{"0x1", ""},
		{"1.0", ""},
		{"1e0", ""},
		{"1_0", ""},
		{" 1", ""},
		{"\u0661", ""}, // a one in Arabic
		{"length", "11"},
		{"Length", ""},
		{"", ""},
		{"9223372036854775808", ""},
	} {
		const context = `{"l":["a","b","c","d","e","f","g","h","i","j","k"],"o":{"l":["a","b","c","d","e","f","g","h","i","j","k"]}}`
		checkOutputs(t, context, []output{
			{"{{l.[" + c.name + "]}}", c.want},
			{"{{o.l.[" + c.name + "]}}", c.want},
			{"{{lookup l '" + c.name + "'}}", c.want},
			{"{{#with o}}{{lookup l '" + c.name + "'}}{{/with}}", c.want},
		})
	}
}

// The value over which a template is rendered may be of any kind.
func TestPath_ofAValueThatIsNoObject(t *testing.T) {
	for _, c := range []struct{ root, want string }{
		{`"text"`, "text"},
		{`12.0`, "12.0"},
		{`true`, "true"},
		{`null`, ""},
		{`[1,2]`, "[1,2]"},
	} {
		checkOutputs(t, c.root, []output{
			{"{{this}}", c.want},
			{"{{.}}", c.want},
			{"{{@root}}", c.want},
			{"{{a}}{{a.b}}{{../a}}{{@root.a}}", ""},
			{"{{#with this}}{{.}}{{else}}{{.}}{{/with}}", c.want},
		})
	}
}
