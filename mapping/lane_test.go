package mapping_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

var laneFields = []string{"userId", "anonymousId", mapping.KeyField}

func TestLane(t *testing.T) {
	deep := func(n int) string {
		return `{"userId":"u","x":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	tests := map[string]struct {
		value, key string
		fields     []string
		want       string
	}{
		"first field present":                     {`{"anonymousId":"a","userId":"u"}`, "k", laneFields, "u"},
		"second when the first is missing":        {`{"anonymousId":"a"}`, "k", laneFields, "a"},
		"empty text is absent":                    {`{"userId":"","anonymousId":"a"}`, "k", laneFields, "a"},
		"null is absent":                          {`{"userId":null,"anonymousId":"a"}`, "k", laneFields, "a"},
		"a list is absent":                        {`{"userId":["u"],"anonymousId":"a"}`, "k", laneFields, "a"},
		"an object is absent":                     {`{"userId":{"userId":"u"}}`, "k", laneFields, "k"},
		"a number":                                {`{"userId":7}`, "", laneFields, "7"},
		"the same as text":                        {`{"userId":"7"}`, "", laneFields, "7"},
		"a long number":                           {`{"userId":12345678901234567890}`, "", laneFields, "12345678901234567890"},
		"a whole number with a fraction of zero":  {`{"userId":12345.0}`, "", laneFields, "12345"},
		"a whole number with an exponent":         {`{"userId":1.2345e4}`, "", laneFields, "12345"},
		"the same literal as text":                {`{"userId":"12345.0"}`, "", laneFields, "12345.0"},
		"a number with a fraction is absent":      {`{"userId":12345.5,"anonymousId":"a"}`, "k", laneFields, "a"},
		"a number of 256 digits":                  {`{"userId":` + strings.Repeat("9", 256) + `}`, "k", laneFields, strings.Repeat("9", 256)},
		"a number of 257 digits is absent":        {`{"userId":` + strings.Repeat("9", 257) + `}`, "k", laneFields, "k"},
		"a number of very many digits is absent":  {`{"userId":1e999999999999}`, "k", laneFields, "k"},
		"zero is absent, false is not":            {`{"userId":0,"anonymousId":false}`, "", laneFields, "false"},
		"zero in other spellings is absent":       {`{"userId":-0.0,"anonymousId":0e5}`, "k", laneFields, "k"},
		"zero as text is present":                 {`{"userId":"0"}`, "k", laneFields, "0"},
		"a boolean":                               {`{"anonymousId":false}`, "", laneFields, "false"},
		"a blank is absent":                       {`{"userId":" \t"}`, "k", laneFields, "k"},
		"an id keeps its blanks":                  {`{"userId":" u "}`, "k", laneFields, " u "},
		"words that mean nobody are absent":       {`{"userId":"undefined","anonymousId":"[object Object]"}`, "k", laneFields, "k"},
		"they are trimmed to be compared":         {`{"userId":" None\n","anonymousId":"a"}`, "k", laneFields, "a"},
		"they have one spelling":                  {`{"userId":"NONE"}`, "k", laneFields, "NONE"},
		"a key that means nobody is none":         {`{}`, " null ", laneFields, ""},
		"the key 0 is a text":                     {`{}`, "0", laneFields, "0"},
		"a byte-order mark is skipped":            {"\uFEFF" + `{"userId":"u"}`, "k", laneFields, "u"},
		"one behind a blank is no JSON":           {" \uFEFF" + `{"userId":"u"}`, "k", laneFields, "k"},
		"the last of two counts":                  {`{"userId":"u1","userId":"u2"}`, "", laneFields, "u2"},
		"the last of two counts, if absent too":   {`{"userId":"u1","userId":null}`, "k", laneFields, "k"},
		"an escaped name":                         {`{"user\u0049d":"u"}`, "k", laneFields, "u"},
		"a field of that name deeper down":        {`{"context":{"userId":"u"}}`, "k", laneFields, "k"},
		"the key":                                 {`{}`, "k", laneFields, "k"},
		"a member called key is no key":           {`{"key":"member"}`, "", laneFields, ""},
		"the key first":                           {`{"userId":"u"}`, "k", []string{"key", "userId"}, "k"},
		"no key and no field":                     {`{"event":"x"}`, "", laneFields, ""},
		"the key is not asked for":                {`{}`, "k", []string{"userId"}, ""},
		"a key that is not UTF-8":                 {`{}`, "\xff\x00", laneFields, "base64:/wA="},
		"no JSON":                                 {`{"userId":"u"`, "k", laneFields, "k"},
		"more behind the object":                  {`{"userId":"u"} x`, "k", laneFields, "k"},
		"a list":                                  {`[{"userId":"u"}]`, "k", laneFields, "k"},
		"not UTF-8":                               {"{\"userId\":\"u\",\"x\":\"\xff\"}", "k", laneFields, "k"},
		"a tombstone":                             {"", "k", laneFields, "k"},
		"as deep as an event may be":              {deep(mapping.MaxDepth), "k", laneFields, "u"},
		"deeper than that":                        {deep(mapping.MaxDepth + 1), "k", laneFields, "k"},
		"far deeper":                              {deep(100_000), "k", laneFields, "k"},
		"a lone surrogate":                        {`{"userId":"\ud800"}`, "", laneFields, "\uFFFD"},
		"no fields at all":                        {`{"userId":"u"}`, "k", nil, ""},
		"a field given twice in the file":         {`{"userId":"u"}`, "k", []string{"userId", "userId"}, "u"},
		"another member's fault is the record's":  {`{"userId":"u","x":tru}`, "k", laneFields, "k"},
		"a dotted name is a member's name first":  {`{"a":{"b":"1"},"a.b":"2"}`, "", []string{"a.b"}, "2"},
		"then it is a path":                       {`{"a":{"b":"1"},"a.b":""}`, "", []string{"a.b"}, "1"},
		"the last of two on a path counts":        {`{"a":{"b":"1"},"a":{"c":"2"}}`, "k", []string{"a.b", "key"}, "k"},
		"a path through a text":                   {`{"a":"b"}`, "k", []string{"a.b", "key"}, "k"},
		"a value that decides nothing is skipped": {`{"x":[{"userId":"v"},[1,"2"]],"userId":"u"}`, "", laneFields, "u"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, mapping.Layout{Lane: tt.fields})
			if got := r.Lane(mapping.JSON, []byte(tt.value), []byte(tt.key)); got != tt.want {
				t.Errorf("Lane(%.60q, %q, %q) = %q, want %q", tt.value, tt.key, tt.fields, got, tt.want)
			}
		})
	}
}

func newReader(t testing.TB, l mapping.Layout) *mapping.Reader {
	t.Helper()
	r, err := mapping.NewReader(l)
	if err != nil {
		t.Fatalf("NewReader(%+v) = %v", l, err)
	}
	return r
}

// laneByEvent is what Lane must give, by building the whole event.
func laneByEvent(ev mapping.Event, err error, l mapping.Layout, key string) string {
	ev.NoIDs = l.NoIDs
	for _, field := range l.Lane {
		v := mapping.Str(key)
		if field != mapping.KeyField {
			if v = ev.Get(field); strings.Contains(field, ".") {
				if own := ev.Body.Get(field); own.Exists() && own.JSON() != `""` {
					v = own
				}
			}
			if err != nil {
				v = mapping.Value{}
			}
		}
		if text, ok := v.ID(); ok && !ev.IsNoID(v) {
			return text
		}
		if v.Kind() == mapping.Bool {
			return v.Text()
		}
	}
	return ""
}

// laneLayouts are all ways in which a lane is found.
var laneLayouts = []mapping.Layout{
	{Lane: laneFields},
	{Lane: laneFields, NoIDs: mapping.NoIDs{"guest"}},
	{Lane: []string{"userId", "groupId", "a.b", "key"}, Fields: map[string]string{"userId": "customer_id", "groupId": "anonymousId"}},
	{Lane: []string{"userId", "anonymousId", "key"}, Fields: map[string]string{"userId": "anonymousId", "anonymousId": "userId"}},
	{Lane: []string{"userId", "x.b", "key"}, Fields: map[string]string{"userId": "a.b", "x.b": "a.c"}},
	{Lane: []string{"a.b", "userId", "a", "key"}, Fields: map[string]string{"a": "x.a", "userId": "a.b", "anonymousId": "messageId"}},
	{Lane: []string{"a.b", "key"}, Fields: map[string]string{"a": "x"}},
	{Lane: []string{"a.b", "key"}, Fields: map[string]string{"groupId": "a"}},
	{Lane: []string{"customer_id", "key"}, Fields: map[string]string{"groupId": "customer_id"}},
	{Lane: []string{"userId", "anonymousId", "messageId"}, Unwrap: "payload", Fields: map[string]string{"anonymousId": "messageId"}},
	{Lane: laneFields, Unwrap: "/a/0/b~1c", Fields: map[string]string{"userId": "a.b"}},
}

// madeUp writes an object of few names and values, so that they meet what layouts ask for.
func madeUp(r *rand.Rand, levels int) string {
	names := []string{"userId", "anonymousId", "groupId", "customer_id", "messageId", "payload", "a", "b", "c", "x", "a.b", "x.b", "b/c"}
	values := []string{`"u"`, `"v"`, `""`, `" "`, `"nil"`, `"guest"`, `0`, `7`, `7.0`, `7.5`, `null`, `true`, `false`, `[]`, `{}`}
	var members []string
	for range r.IntN(7) {
		value := values[r.IntN(len(values))]
		if levels > 0 && r.IntN(3) > 0 {
			value = madeUp(r, levels-1)
		}
		switch r.IntN(6) {
		case 0:
			value = "[" + value + "]"
		case 1:
			value = mapping.Str(value).JSON()
		}
		members = append(members, fmt.Sprintf("%q:%s", names[r.IntN(len(names))], value))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestReader_laneAndIDAreThoseOfTheEvent(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 14))
	lanes := 0
	for range 2000 {
		lanes += checkLane(t, []byte(madeUp(random, 3)), "")
	}
	if lanes < 1000 {
		t.Errorf("%d lanes, too few to show anything", lanes)
	}
}

// checkLane compares what is found by a scan with what the event says, for each of
// laneLayouts, and returns how many of them find a lane.
func checkLane(t *testing.T, value []byte, key string) (lanes int) {
	t.Helper()
	for i, r := range laneReaders(t) {
		l := laneLayouts[i]
		ev, err := r.Event(mapping.JSON, value)
		got, want := r.Lane(mapping.JSON, value, []byte(key)), laneByEvent(ev, err, l, key)
		if got != want {
			t.Errorf("Lane(%q, %q) = %q, but the event says %q, with %+v", value, key, got, want, l)
		}
		if got != "" {
			lanes++
		}
		if got, want := r.ID(mapping.JSON, value), ev.ID(); err == nil && got != want || err != nil && got != "" {
			t.Errorf("ID(%q) = %q, but the event says %q, with %+v", value, got, want, l)
		}
		want = repeatIDByEvent(ev)
		if got := r.RepeatID(mapping.JSON, value); err == nil && got != want || err != nil && got != "" {
			t.Errorf("RepeatID(%q) = %q, but the event says %q, with %+v", value, got, want, l)
		}
	}
	return lanes
}

// repeatIDByEvent is the event's id if it is one that tells events apart.
func repeatIDByEvent(ev mapping.Event) string {
	v := ev.Body.Get("messageId")
	if _, ok := v.ID(); !ok || ev.IsNoID(v) {
		return ""
	}
	return ev.ID()
}

var knownReaders []*mapping.Reader // of laneLayouts: a fuzzer asks often

func laneReaders(t *testing.T) []*mapping.Reader {
	if knownReaders == nil {
		for _, l := range laneLayouts {
			knownReaders = append(knownReaders, newReader(t, l))
		}
	}
	return knownReaders
}

func FuzzLane(f *testing.F) {
	for _, seed := range []string{
		`{"userId":"u","anonymousId":7}`, `{"userId":{"a":[1]},"anonymousId":true}`, `{"userId":"a","userId":""}`,
		`{"userId":"u"}]`, "{\"userId\":\"\xff\"}", `{"key":1}`, `{"anonymousId":"\udead"}`,
		`{"userId":0,"anonymousId":12.50e1}`, `{"userId":"undefined","customer_id":"guest","anonymousId":1.5}`,
		`{"customer_id":"u","groupId":"g","a":{"b":"1","c":2},"a.b":"","userId":false,"messageId":"nil","x":{"a":{"b":"x"}}}`,
		`{"payload":{"userId":"u","messageId":1.5},"a":[{"b/c":{"a":{"b":"y"},"userId":1}}]}`,
		`{"payload":"\ufeff{\"userId\":\"u\"}","a":[{"b/c":"{\"a.b\":\"y\"}"}]}`, `{"payload":null,"a":[{"b/c":"[]"}]}`,
		"\uFEFF{\"userId\":\"u\"}", `{"a":{"b":{}},"a":{"b":"z"},"x.b":"","x":[]}`,
	} {
		f.Add([]byte(seed), "k")
	}
	f.Fuzz(func(t *testing.T, value []byte, key string) {
		checkLane(t, value, strings.ToValidUTF8(key, "?"))
	})
}
