package mapping_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

func TestValue_kindsAndTheirTexts(t *testing.T) {
	for _, c := range []struct {
		text   string
		kind   mapping.Kind
		name   string
		str    string
		plain  string // Text
		exists bool
		zero   bool
		isTrue bool
	}{
		{text: `null`, kind: mapping.Null, name: "null"},
		{text: `true`, kind: mapping.Bool, name: "a boolean", plain: "true", exists: true, isTrue: true},
		{text: `false`, kind: mapping.Bool, name: "a boolean", plain: "false", exists: true},
		{text: `0`, kind: mapping.Number, name: "a number", plain: "0", exists: true, zero: true},
		{text: `-0.00`, kind: mapping.Number, name: "a number", plain: "-0.00", exists: true, zero: true},
		{text: `0E7`, kind: mapping.Number, name: "a number", plain: "0E7", exists: true, zero: true},
		{text: `0.001`, kind: mapping.Number, name: "a number", plain: "0.001", exists: true},
		{text: `1e-400`, kind: mapping.Number, name: "a number", plain: "1e-400", exists: true},
		{text: `""`, kind: mapping.String, name: "text", exists: true},
		{text: `"0"`, kind: mapping.String, name: "text", str: "0", plain: "0", exists: true},
		{text: `"true"`, kind: mapping.String, name: "text", str: "true", plain: "true", exists: true},
		{text: `[]`, kind: mapping.Array, name: "a list", plain: "[]", exists: true},
		{text: `[1, null]`, kind: mapping.Array, name: "a list", plain: "[1,null]", exists: true},
		{text: `{}`, kind: mapping.Object, name: "an object", plain: "{}", exists: true},
		{text: `{"b": 1, "a": [true]}`, kind: mapping.Object, name: "an object", plain: `{"b":1,"a":[true]}`, exists: true},
	} {
		v := mustParse(t, c.text)
		if v.Kind() != c.kind || v.Kind().String() != c.name {
			t.Errorf("%s is %s, want %s", c.text, v.Kind(), c.name)
		}
		if v.Str() != c.str || v.Text() != c.plain {
			t.Errorf("%s has Str %q and Text %q, want %q and %q", c.text, v.Str(), v.Text(), c.str, c.plain)
		}
		if v.Exists() != c.exists || v.IsZeroNumber() != c.zero || v.IsTrue() != c.isTrue {
			t.Errorf("%s: Exists %t, IsZeroNumber %t, IsTrue %t", c.text, v.Exists(), v.IsZeroNumber(), v.IsTrue())
		}
	}
	var absent mapping.Value
	if absent.Kind() != mapping.Absent || absent.Exists() || absent.Text() != "" || absent.JSON() != "null" || absent.Kind().String() != "absent" {
		t.Errorf("the zero Value is %s %q %q", absent.Kind(), absent.Text(), absent.JSON())
	}
}

func TestValue_placesOfMembersAndElements(t *testing.T) {
	v := mustParse(t, `{"a":{"b":{"c":1}},"l":[10,20],"a.b":2,"":3,"n":null}`)
	for _, c := range []struct {
		got  mapping.Value
		want string // JSON, "" for absent
	}{
		{v.Get(), v.JSON()},
		{v.Get("a", "b", "c"), "1"},
		{v.Get("a.b"), "2"},
		{v.Get(""), "3"},
		{v.Get("n"), "null"},
		{v.Get("a", "x"), ""},
		{v.Get("a", "b", "c", "d"), ""},
		{v.Get("l", "0"), ""},
		{v.Get("n", "x"), ""},
		{v.Path("a.b.c"), "1"},
		{v.Path("a.b"), `{"c":1}`},
		{v.Path(""), "3"},
		{v.Path("a..b"), ""},
		{v.Path("l.0"), ""},
		{v.Get("l").At(0), "10"},
		{v.Get("l").At(1), "20"},
		{v.Get("l").At(2), ""},
		{v.Get("l").At(-1), ""},
		{v.At(0), ""},
		{mapping.Str("ab").At(0), ""},
	} {
		if got := c.got; (got.Kind() == mapping.Absent) != (c.want == "") || c.want != "" && got.JSON() != c.want {
			t.Errorf("got %s %s, want %q", got.Kind(), got.JSON(), c.want)
		}
	}
	if v.Len() != 5 || v.Get("l").Len() != 2 || mapping.Str("text").Len() != 0 || mapping.Str("text").Members() != nil {
		t.Error("a length is wrong")
	}
}

func TestValue_changedCopiesLeaveTheirOriginal(t *testing.T) {
	const text = `{"a":1,"b":[2,3],"c":null}`
	v := mustParse(t, text)
	for _, c := range []struct {
		got  mapping.Value
		want string
	}{
		{v.Without("a"), `{"b":[2,3],"c":null}`},
		{v.Without("a", "b", "c"), `{}`},
		{v.Without("x"), text},
		{v.Without(), text},
		{v.Get("b").Without("a"), `[2,3]`},
		{mapping.Str("a").Without("a"), `"a"`},
		{v.With(nil), `{}`},
		{v.Get("b").With(nil), `[]`},
		{v.Get("b").With([]mapping.Member{{Value: mapping.Int(-7)}}), `[-7]`},
		{mapping.Str("a").With(nil), `"a"`},
		{mapping.Obj(mapping.Member{Name: "x"}, mapping.Member{Name: "y", Value: mapping.NullValue()}), `{"y":null}`},
		{mapping.Arr(mapping.Value{}, mapping.Boolean(true)), `[null,true]`},
	} {
		if got := c.got.JSON(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if v.JSON() != text {
		t.Errorf("the original is %s", v.JSON())
	}
	if out := string(mapping.Int(1).AppendJSON([]byte("x:"))); out != "x:1" {
		t.Errorf("AppendJSON = %q", out)
	}
	if out, err := json.Marshal(map[string]any{"v": v}); err != nil || string(out) != `{"v":`+text+`}` {
		t.Errorf("json.Marshal = %s, %v", out, err)
	}
}

func TestValue_textThatIsNotUTF8IsWrittenAsUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"a\xffb": "\"a\ufffdb\"", "\xc3": "\"\ufffd\"", "<&>\u2028/": "\"<&>\u2028/\"", "\x00\x1f\x7f": "\"\\u0000\\u001f\x7f\"", `"\`: `"\"\\"`, "é😀": `"é😀"`,
	} {
		if got := mapping.Str(in).JSON(); got != want || !json.Valid([]byte(got)) {
			t.Errorf("%q is written as %s, want %s", in, got, want)
		}
	}
}

func TestWhole_numbers(t *testing.T) {
	nines := strings.Repeat("9", 256)
	for _, c := range []struct{ literal, want string }{
		{"0", "0"},
		{"-0", "0"},
		{"0.000", "0"},
		{"0e99999999999", "0"},
		{"7", "7"},
		{"-7", "-7"},
		{"12345.0", "12345"},
		{"1.2345e4", "12345"},
		{"1.2345E+4", "12345"},
		{"12345000e-3", "12345"},
		{"-1.50e1", "-15"},
		{"100e-2", "1"},
		{"9007199254740993.0", "9007199254740993"},
		{"1e2", "100"},
		{nines, nines},
		{nines + ".0", nines},
		{"1e255", "1" + strings.Repeat("0", 255)},
		{"1e256", ""},
		{nines + "9", ""},
		{"0.5", ""},
		{"12345.5", ""},
		{"1e-1", ""},
		{"12345e-6", ""},
		{"1e999999999999999999999", ""},
		{"1e-999999999999999999999", ""},
	} {
		got, ok := mapping.Whole(c.literal)
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("Whole(%.30s) = %.30s, %t, want %.30s", c.literal, got, ok, c.want)
		}
		if ok && len(c.literal) < 300 && !strings.Contains(c.literal, "e9") {
			exact, _ := new(big.Rat).SetString(c.literal)
			read, _ := new(big.Rat).SetString(got)
			if exact == nil || read == nil || exact.Cmp(read) != 0 {
				t.Errorf("Whole(%.30s) = %.30s, which is another number", c.literal, got)
			}
		}
	}
}

func TestValue_ids(t *testing.T) {
	for text, want := range map[string]string{`"u"`: "u", `" u "`: " u ", `""`: "", `7`: "7", `7.0`: "7", `7.5`: "-", `true`: "-", `null`: "-", `[7]`: "-", `{"id":7}`: "-"} {
		id, ok := mustParse(t, text).ID()
		if ok != (want != "-") || ok && id != want {
			t.Errorf("the id of %s = %q, %t, want %q", text, id, ok, want)
		}
	}
}

func TestOneLine_andTrim(t *testing.T) {
	for _, c := range []struct{ in, trimmed, line string }{
		{"", "", ""},
		{"a", "a", "a"},
		{" a ", "a", "a"},
		{"\u200b\ufeffa\u200e\u00a0", "a", "a"},
		{"a  b", "a  b", "a  b"},
		{"a\nb", "a\nb", "a b"},
		{"a \r\n\t b", "a \r\n\t b", "a b"},
		{"a\u2028b\u2029c", "a\u2028b\u2029c", "a b c"},
		{"\x00a\x07b\x7f", "a\x07b", "a b"},
		{"\n\n", "", ""},
		{"é\nü", "é\nü", "é ü"},
	} {
		if got := mapping.Trim(c.in); got != c.trimmed {
			t.Errorf("Trim(%q) = %q, want %q", c.in, got, c.trimmed)
		}
		got := mapping.OneLine(c.in)
		if got != c.line || mapping.OneLine(got) != got {
			t.Errorf("OneLine(%q) = %q, want %q", c.in, got, c.line)
		}
	}
}

func TestNoIDs(t *testing.T) {
	words := mapping.DefaultNoIDs()
	for _, text := range []string{"undefined", "null", "None", "nil", "NaN", "nan", "(null)", "[object Object]", " null\n", "\u200bnil"} {
		if !words.Has(text) || !mapping.NoIDs(nil).Has(text) {
			t.Errorf("%q counts as an id", text)
		}
	}
	for _, text := range []string{"", "0", "Null", "NONE", "nullable", "user-null", "undefined1"} {
		if words.Has(text) {
			t.Errorf("%q counts as a word for nobody", text)
		}
	}
	words[0] = "changed"
	if !mapping.DefaultNoIDs().Has("undefined") {
		t.Error("changing what DefaultNoIDs returned changes the default")
	}
	own := mapping.NoIDs{"guest"}
	event := mapping.Event{NoIDs: own}
	for text, want := range map[string]bool{`"guest"`: true, `"undefined"`: false, `""`: true, `" "`: true, `0`: true, `0.0`: true, `7`: false, `false`: false, `null`: false, `[]`: false} {
		if got := event.IsNoID(mustParse(t, text)); got != want {
			t.Errorf("IsNoID(%s) = %t with words of its own, want %t", text, got, want)
		}
	}
}

func TestParsePointer_placesAndErrors(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, "payload": {"payload"}, "a.b": {"a.b"}, "/a/b": {"a", "b"}, "/a~1b/~0": {"a/b", "~"}, "/0/x": {"0", "x"}, "/ ": {" "}, "a/b": {"a/b"},
	} {
		p, err := mapping.ParsePointer(text)
		if err != nil || strings.Join(p.Tokens(), "|") != strings.Join(want, "|") || p.Depth() != len(want)+1 {
			t.Errorf("ParsePointer(%q) = %q at %d, %v, want %q", text, p.Tokens(), p.Depth(), err, want)
		}
	}
	for text, want := range map[string]string{
		" ": "is blank", "\t": "is blank", "/": "has an empty name between slashes", "/a//b": "has an empty name between slashes", "/a/": "has an empty name between slashes",
		"/a~": "has a ~ that is neither", "/~2": "has a ~ that is neither", strings.Repeat("/a", 101): "is deeper than 100 levels",
	} {
		if _, err := mapping.ParsePointer(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("ParsePointer(%q) = %v, want %s", text, err, want)
		}
	}
	record := mustParse(t, `{"l":[{"x":1},{"x":2}],"0":"zero","a":{"b":"{\"userId\":1}"}}`)
	for text, want := range map[string]string{
		"": record.JSON(), "/l/1/x": "2", "/l/0": `{"x":1}`, "/0": `"zero"`, "/l/2": "", "/l/-": "", "/l/01": "", "/l/+1": "", "/l/x": "", "/a/b/userId": "", "/x": "", "/a/b": `"{\"userId\":1}"`,
	} {
		p, err := mapping.ParsePointer(text)
		if err != nil {
			t.Fatal(err)
		}
		found := p.Find(record)
		if (found.Kind() == mapping.Absent) != (want == "") || want != "" && found.JSON() != want {
			t.Errorf("Find(%q) = %s %s, want %s", text, found.Kind(), found.JSON(), want)
		}
	}
	inner, err := mapping.ParsePointer("/a/b")
	if err != nil {
		t.Fatal(err)
	}
	if event, err := inner.Event(inner.Find(record)); err != nil || event.JSON() != `{"userId":1}` {
		t.Errorf("the event in a text = %s, %v", event.JSON(), err)
	}
}

func TestRefuse_hasTheSameFaultForEveryValue(t *testing.T) {
	fault := mapping.FieldError(mapping.UnknownSchema, "the value", "is of a schema that is not known")
	d := mapping.Refuse(fault)
	for _, value := range []string{"", `{"userId":"u"}`, "\x00\x00\x00\x00\x07"} {
		if _, err := d.Decode([]byte(value), mapping.Pointer{}); !errors.Is(err, fault) {
			t.Errorf("Decode(%q) = %v", value, err)
		}
		r := newReader(t, mapping.Layout{Lane: laneFields})
		if _, err := r.Event(d, []byte(value)); !errors.Is(err, fault) {
			t.Errorf("Event(%q) = %v", value, err)
		}
		if lane := r.Lane(d, []byte(value), []byte("k")); lane != "k" {
			t.Errorf("Lane(%q) = %q, want the key", value, lane)
		}
	}
	if want := "unknown_schema: the value is of a schema that is not known"; fault.Error() != want {
		t.Errorf("the fault says %q, want %q", fault, want)
	}
	if got := mapping.Filtered.Error(); got != "skipped: filtered" {
		t.Errorf("a Skip says %q", got)
	}
}

// What Wrap puts into a record is what Event finds there.
func TestReader_wrapIsTheOppositeOfUnwrap(t *testing.T) {
	const event = `{"type":"track","userId":"u","event":"E"}`
	for unwrap, want := range map[string]string{"": event, "payload": `{"payload":` + event + `}`, "/a/b~1c": `{"a":{"b/c":` + event + `}}`} {
		r := newReader(t, mapping.Layout{Unwrap: unwrap, Lane: laneFields})
		record := r.Wrap([]byte(event))
		if string(record) != want {
			t.Errorf("Wrap at %q = %s, want %s", unwrap, record, want)
		}
		if ev, err := r.Event(mapping.JSON, record); err != nil || ev.Body.JSON() != event || ev.Type != "track" {
			t.Errorf("the event at %q = %s, %v", unwrap, ev.Body.JSON(), err)
		}
		if lane := r.Lane(mapping.JSON, record, nil); lane != "u" {
			t.Errorf("the lane at %q = %q", unwrap, lane)
		}
		if r.Wrap(nil) != nil {
			t.Errorf("a tombstone is wrapped at %q", unwrap)
		}
	}
	if got := newReader(t, mapping.Layout{Unwrap: "payload"}).Wrap([]byte("no JSON")); string(got) != `{"payload":"no JSON"}` {
		t.Errorf("Wrap of what is no JSON = %s", got)
	}
}

func TestFilter_picksEvents(t *testing.T) {
	for _, c := range []struct {
		name   string
		filter mapping.Filter
		event  string
		want   error
	}{
		{"all", mapping.Filter{}, `{"type":"track","event":"E"}`, nil},
		{"a type", mapping.Filter{Types: []string{"track"}}, `{"type":"Track","event":"E"}`, nil},
		{"another type", mapping.Filter{Types: []string{"identify"}}, `{"type":"track","event":"E"}`, mapping.TypeNotTaken},
		{"no type", mapping.Filter{Types: []string{}}, `{"type":"track","event":"E"}`, mapping.TypeNotTaken},
		{"a type before a name", mapping.Filter{Types: []string{"identify"}, Deny: []string{"E"}}, `{"type":"track","event":"E"}`, mapping.TypeNotTaken},
		{"allowed", mapping.Filter{Allow: []string{"D", "E"}}, `{"type":"track","event":"E"}`, nil},
		{"not allowed", mapping.Filter{Allow: []string{"D"}}, `{"type":"track","event":"E"}`, mapping.Filtered},
		{"an exact name", mapping.Filter{Allow: []string{"E"}}, `{"type":"track","event":"e"}`, mapping.Filtered},
		{"denied", mapping.Filter{Deny: []string{"E"}}, `{"type":"track","event":"E"}`, mapping.Filtered},
		{"not denied", mapping.Filter{Deny: []string{"D"}}, `{"type":"track","event":"E"}`, nil},
		{"an identify", mapping.Filter{Allow: []string{"D"}}, `{"type":"identify"}`, nil},
		{"a page", mapping.Filter{Allow: []string{"Home"}}, `{"type":"page","name":"Home"}`, nil},
		{"a page that is denied", mapping.Filter{Deny: []string{"Home"}}, `{"type":"page","name":"Home"}`, mapping.Filtered},
		{"no name, to be allowed", mapping.Filter{Allow: []string{"Home"}}, `{"type":"screen"}`, mapping.Filtered},
		{"no name, to be denied", mapping.Filter{Deny: []string{"Home"}}, `{"type":"screen"}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ev, err := newReader(t, mapping.Layout{}).Event(mapping.JSON, []byte(c.event))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.filter.Check(ev); !errors.Is(err, c.want) {
				t.Errorf("Check = %v, want %v", err, c.want)
			}
		})
	}
}
