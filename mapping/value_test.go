package mapping_test

import (
	"encoding/json"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

func TestValue_lookups(t *testing.T) {
	v := mustParse(t, `{"a":{"b":{"c":1},"b.c":2},"l":[{"x":3},null],"n":null,"s":"t","f":false}`)
	tests := map[string]struct {
		got  mapping.Value
		want string
		kind mapping.Kind
	}{
		"a path":                    {v.Get("a", "b", "c"), "1", mapping.Number},
		"a dotted path":             {v.Path("a.b.c"), "1", mapping.Number},
		"a dot in a name":           {v.Get("a", "b.c"), "2", mapping.Number},
		"no path":                   {v.Get().Get("s"), "t", mapping.String},
		"a missing step":            {v.Path("a.x.c"), "", mapping.Absent},
		"through a text":            {v.Path("s.length"), "", mapping.Absent},
		"through a list":            {v.Path("l.0"), "", mapping.Absent},
		"through null":              {v.Path("n.x"), "", mapping.Absent},
		"an empty path":             {v.Path(""), "", mapping.Absent},
		"null":                      {v.Path("n"), "", mapping.Null},
		"an element":                {v.Get("l").At(0).Get("x"), "3", mapping.Number},
		"null in a list":            {v.Get("l").At(1), "", mapping.Null},
		"beyond a list":             {v.Get("l").At(2), "", mapping.Absent},
		"before a list":             {v.Get("l").At(-1), "", mapping.Absent},
		"an element of an object":   {v.At(0), "", mapping.Absent},
		"a boolean":                 {v.Get("f"), "false", mapping.Bool},
		"a list as text":            {v.Get("l"), `[{"x":3},null]`, mapping.Array},
		"an object as text":         {v.Get("a"), `{"b":{"c":1},"b.c":2}`, mapping.Object},
		"prototype names are names": {v.Get("constructor"), "", mapping.Absent},
	}
	for name, tt := range tests {
		if tt.got.Kind() != tt.kind || tt.got.Text() != tt.want || tt.got.Exists() != (tt.kind > mapping.Null) {
			t.Errorf("%s = %s %q, want %s %q", name, tt.got.Kind(), tt.got.Text(), tt.kind, tt.want)
		}
	}
	if v.Get("f").Str() != "" || v.Get("s").Str() != "t" || v.Get("f").IsTrue() || !mapping.Boolean(true).IsTrue() || mapping.Str("true").IsTrue() {
		t.Error("Str is of texts and IsTrue of booleans alone")
	}
}

func TestValue_builtValuesAreWrittenAsJSON(t *testing.T) {
	v := mapping.Obj(
		mapping.Member{Name: "s", Value: mapping.Str("<\"\\\xff")},
		mapping.Member{Name: "u\xff", Value: mapping.Str("\xfféa")},
		mapping.Member{Name: "absent"},
		mapping.Member{Name: "n", Value: mapping.Num("1.50")},
		mapping.Member{Name: "i", Value: mapping.Int(-9223372036854775808)},
		mapping.Member{Name: "l", Value: mapping.Arr(mapping.Boolean(true), mapping.NullValue(), mapping.Value{}, mapping.Arr(), mapping.Obj())},
	)
	const want = `{"s":"<\"\\` + "\uFFFD" + `","u` + "\uFFFD" + `":"` + "\uFFFD" + `éa","n":1.50,"i":-9223372036854775808,"l":[true,null,null,[],{}]}`
	if got := v.JSON(); got != want {
		t.Errorf("JSON = %s, want %s", got, want)
	}
	if got, err := json.Marshal(map[string]mapping.Value{"v": v.Get("l")}); err != nil || string(got) != `{"v":[true,null,null,[],{}]}` {
		t.Errorf("json.Marshal = %s, %v", got, err)
	}
	if got := (mapping.Value{}).JSON(); got != "null" {
		t.Errorf("an absent value is written as %s", got)
	}
	if v.Len() != 6 || v.Get("l").Len() != 5 || mapping.Str("x").Len() != 0 {
		t.Errorf("lengths are %d, %d", v.Len(), v.Get("l").Len())
	}
}

func TestValue_withoutAndWithLeaveTheOriginal(t *testing.T) {
	v := mustParse(t, `{"a":1,"b":2,"c":3}`)
	if got := v.Without("b", "x").JSON(); got != `{"a":1,"c":3}` {
		t.Errorf("Without = %s", got)
	}
	if got := v.With(v.Members()[1:2]).JSON(); got != `{"b":2}` {
		t.Errorf("With = %s", got)
	}
	if got := mapping.Arr(mapping.Int(1)).With(nil).JSON(); got != `[]` {
		t.Errorf("a list With nothing = %s", got)
	}
	if got := mapping.Str("x").Without("x").With(v.Members()).JSON(); got != `"x"` {
		t.Errorf("a text has no members, but is now %s", got)
	}
	if got := v.JSON(); got != `{"a":1,"b":2,"c":3}` {
		t.Errorf("the original is now %s", got)
	}
}

func BenchmarkJSON(b *testing.B) {
	b.ReportAllocs()
	v := mustParse(b, string(event))
	for b.Loop() {
		if got := v.AppendJSON(nil); len(got) != len(event) {
			b.Fatalf("%d bytes", len(got))
		}
	}
}
