package template_test

import "testing"

func TestEach_overLists(t *testing.T) {
	checkExamples(t, []example{
		{"{{#each a}}{{this}}{{/each}}", `{"a":["x","y","z"]}`, "xyz"},
		{"{{#each a}}{{.}}{{/each}}", `{"a":[1,2.50,true,null,"s"]}`, "12.50trues"},
		{"{{#each a}}<{{this}}>{{/each}}", `{"a":[[],{},null]}`, "<[]><{}><>"},
		{"{{#each a}}{{n}}{{/each}}", `{"a":[{"n":1},{"m":2},{"n":3}]}`, "13"},
		{"{{#each a}}{{#unless @first}}, {{/unless}}{{this}}{{/each}}", `{"a":["x","y"]}`, "x, y"},
		{"{{#each a}}{{this}}{{#unless @last}}, {{/unless}}{{/each}}", `{"a":["x","y"]}`, "x, y"},
		{"{{#each a}}x{{/each}}", `{"a":[null,false,0,""]}`, "xxxx"},
		{"{{#each this}}{{this}}{{/each}}", `[1,2]`, "12"},
		{"{{#each o.l}}{{this}}{{/each}}", `{"o":{"l":[1,2]}}`, "12"},
		{"{{#each (lookup o 'l')}}{{this}}{{/each}}", `{"o":{"l":[1,2]}}`, "12"},
	})
}

func TestEach_overObjectsInTheOrderOfTheEvent(t *testing.T) {
	checkExamples(t, []example{
		{"{{#each a}}{{@key}}={{.}};{{/each}}", `{"a":{"z":1,"b":2,"a":3}}`, "z=1;b=2;a=3;"},
		{"{{#each a}}{{@index}}{{@key}}{{@first}}{{@last}} {{/each}}", `{"a":{"x":1,"y":2}}`, "0xtruefalse 1yfalsetrue "},
		{"{{#each a}}{{@key}} {{/each}}", `{"a":{"2":1,"10":2,"1":3}}`, "2 10 1 "},
		{"{{#each a}}{{@key}}:{{n}} {{/each}}", `{"a":{"k":{"n":1},"":{"n":2}}}`, "k:1 :2 "},
		{"{{#each this}}{{@key}}{{/each}}", `{"a":1,"b":2}`, "ab"},
	})
}

func TestEach_overAnythingElseTakesTheInverse(t *testing.T) {
	for _, value := range []string{`"text"`, `12`, `true`, `false`, `null`, `[]`, `{}`, `""`} {
		context := `{"n":"outer","a":` + value + `}`
		if got := render(t, "{{#each a}}x{{else}}{{n}}{{/each}}", context); got != "outer" {
			t.Errorf("each over %s = %q, want the inverse in the outer context", value, got)
		}
		if got := render(t, "{{#each a}}x{{/each}}", context); got != "" {
			t.Errorf("each over %s = %q, want nothing", value, got)
		}
		if got := render(t, "{{^each a}}{{n}}{{/each}}", context); got != "outer" {
			t.Errorf("^each over %s = %q, want its body", value, got)
		}
	}
}

func TestEach_contextsOfNestedLoops(t *testing.T) {
	checkExamples(t, []example{
		{"{{#each a}}{{n}}{{../n}}{{@root.n}} {{/each}}", `{"n":0,"a":[{"n":1},{"n":2}]}`, "100 200 "},
		{"{{#each a}}{{#each b}}{{this}}{{../c}}{{../../d}} {{/each}}{{/each}}", `{"d":9,"a":[{"c":1,"b":[5,6]},{"c":2,"b":[7]}]}`, "519 619 729 "},
		{"{{#each a}}{{#each this}}{{this}}{{/each}};{{/each}}", `{"a":[[1,2],[],[3]]}`, "12;;3;"},
		{"{{#each a}}{{#if this}}{{../n}}{{/if}}{{/each}}", `{"n":7,"a":[1,0,2]}`, "77"},
		{"{{#each a}}{{#with o}}{{x}}{{../y}}{{../../z}}{{/with}}{{/each}}", `{"z":3,"a":[{"y":2,"o":{"x":1}}]}`, "123"},
		{"{{#each a}}{{n}}{{/each}}", `{"n":"outer","a":[{"m":1}]}`, ""},
	})
}

func TestData_variablesOfLoops(t *testing.T) {
	checkExamples(t, []example{
		{"{{#each a}}{{@index}}{{@key}} {{/each}}", `{"a":["x","y"]}`, "00 11 "},
		{"{{#each a}}{{@first}}{{@last}} {{/each}}", `{"a":["x"]}`, "truetrue "},
		{"{{#each a}}{{@first}}{{@last}} {{/each}}", `{"a":["x","y","z"]}`, "truefalse falsefalse falsetrue "},
		{"{{#each a}}{{#each this}}{{@../index}}{{@index}} {{/each}}{{/each}}", `{"a":[[1,2],[3]]}`, "00 01 10 "},
		{"{{#each a}}{{#each this}}{{@../key}}{{@key}} {{/each}}{{/each}}", `{"a":{"x":{"y":1}}}`, "xy "},
		{"{{#each a}}{{#if this}}{{@index}}{{/if}}{{/each}}", `{"a":[1,0,1]}`, "02"},
		{"{{#each a}}{{#with this}}{{@index}}{{/with}}{{/each}}", `{"a":[1,2]}`, "01"},
		{"{{#each a}}{{#with o}}{{@index}}{{/with}}{{/each}}", `{"a":[{"o":{"index":9}}]}`, "0"},
		{"{{#each a}}{{@../index}}{{/each}}|", `{"a":[1]}`, "|"},
		{"{{#each a}}{{#each this}}{{@../../index}}{{/each}}{{/each}}|", `{"a":[[1]]}`, "|"},
		{"{{#each a}}{{@nothing}}{{@index.x}}{{/each}}|", `{"a":[1]}`, "|"},
		{"{{@index}}{{@key}}{{@first}}{{@last}}{{@this}}|", `{"a":"x"}`, "|"},
		{"{{lookup names @index}}{{#each a}}{{lookup @root.names @index}}{{/each}}", `{"names":["x","y"],"a":[1,2]}`, "xy"},
		{"{{#each a}}{{/each}}{{@index}}|", `{"a":[1]}`, "|"},
	})
}

func TestData_root(t *testing.T) {
	checkOutputs(t, `{"a":"x","l":[{"m":[{"a":"z"}],"a":"y"}],"root":1}`, []output{
		{"{{@root.a}}", "x"},
		{"{{@root}}", `{"a":"x","l":[{"m":[{"a":"z"}],"a":"y"}],"root":1}`},
		{"{{@root.root}}", "1"},
		{"{{@root/a}}", "x"},
		{"{{#each l}}{{#each m}}{{a}}{{../a}}{{@root.a}}{{/each}}{{/each}}", "zyx"},
		{"{{#each @root.l}}{{a}}{{/each}}", "y"},
		{"{{#with @root.l.[0]}}{{a}}{{/with}}", "y"},
		{"{{#if @root.a}}yes{{/if}}", "yes"},
		{"{{@root.missing.a}}|", "|"},
		{"{{#@root.l}}{{a}}{{/@root.l}}", "y"},
	})
}

func TestBlockParams(t *testing.T) {
	checkExamples(t, []example{
		{"{{#each a as |v|}}{{v}}{{/each}}", `{"a":[1,2]}`, "12"},
		{"{{#each a as |v i|}}{{i}}{{v.n}}{{n}}{{/each}}", `{"a":[{"n":5}]}`, "055"},
		{"{{#each a as |v k|}}{{k}}={{v}} {{/each}}", `{"a":{"x":1,"y":2}}`, "x=1 y=2 "},
		{"{{#each a as |v k more|}}{{k}}{{v}}{{more}}{{/each}}", `{"a":[7]}`, "07"},
		{"{{#each a as |v|}}{{#each @root.b as |w|}}{{v}}{{w}} {{/each}}{{/each}}", `{"a":[1,2],"b":[8,9]}`, "18 19 28 29 "},
		{"{{#each a as |v|}}{{#each this as |v|}}{{v}}{{/each}}{{v.length}}{{/each}}", `{"a":[[1,2]]}`, "122"},
		{"{{#each a as |v|}}{{#with @root.o as |w|}}{{v}}{{w.k}}{{this.v}}{{/with}}{{/each}}", `{"a":[1],"o":{"k":2}}`, "12"},
		{"{{#with o as |w|}}{{w.k}}{{k}}{{./w}}{{/with}}", `{"o":{"k":2}}`, "22"},
		{"{{#with o as |k|}}{{k.k}}{{this.k}}{{/with}}", `{"o":{"k":2}}`, "22"},
		{"{{#with o as |w|}}{{/with}}{{w}}|", `{"o":{"k":2}}`, "|"},
		{"{{#each a as |v|}}{{../v}}{{/each}}", `{"v":"outer","a":[1]}`, "outer"},
		{"{{#each a as |[odd name]|}}{{[odd name]}}{{/each}}", `{"a":[1]}`, "1"},
		{"{{#each a as |v|}}{{#if v}}{{v}}{{/if}}{{/each}}", `{"a":[0,1]}`, "1"},
		{"{{#each a as |v|}}{{v.[0]}}{{v.length}}{{/each}}", `{"a":[[5,6]]}`, "52"},
		{"{{#each a as |v|}}{{lookup v 'k'}}{{/each}}", `{"a":[{"k":1}]}`, "1"},
	})
}

func TestLookup(t *testing.T) {
	checkOutputs(t, `{"o":{"k":"K","1":"one","true":"yes","":"blank","l":[5,6]},"a":[1,2],"n":"k","i":1,"t":true,"x":null,"f":1.0}`, []output{
		{`{{lookup o "k"}}`, "K"},
		{`{{lookup o 'k'}}`, "K"},
		{`{{lookup o n}}`, "K"},
		{`{{lookup this 'n'}}`, "k"},
		{`{{lookup . 'n'}}`, "k"},
		{`{{lookup a 0}}`, "1"},
		{`{{lookup a i}}`, "2"},
		{`{{lookup a '1'}}`, "2"},
		{`{{lookup a 2}}|`, "|"},
		{`{{lookup a -1}}|`, "|"},
		{`{{lookup a f}}|`, "|"}, // 1.0 is the name "1.0"
		{`{{lookup a "length"}}`, "2"},
		{`{{lookup o i}}`, "one"},
		{`{{lookup o t}}`, "yes"},
		{`{{lookup o true}}`, "yes"},
		{`{{lookup o x}}`, "blank"},
		{`{{lookup o missing}}`, "blank"},
		{`{{lookup o a}}`, "blank"},
		{`{{lookup missing 'k'}}|`, "|"},
		{`{{lookup n 0}}`, "k"},
		{`{{lookup o 'x.y'}}|`, "|"},
		{`{{lookup (lookup o 'l') 1}}`, "6"},
		{`{{lookup (lookup (lookup this 'o') 'l') (lookup this 'i')}}`, "6"},
		{`{{lookup o (lookup this 'n')}}`, "K"},
		{`{{{lookup o "k"}}}{{&lookup o "k"}}`, "KK"},
		{`{{lookup o.l 0}}{{lookup ./o.l 1}}`, "56"},
	})
}
