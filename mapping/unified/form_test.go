package unified_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

func TestFormBody_namesOnceAndSeveralTimes(t *testing.T) {
	read := unified.FormBody([]byte("b=2&a=1&b=3&c="))
	if got := string(read.Raw); got != `{"a":"1","b":["2","3"],"c":""}` || read.Value.Get("b").Str() != "2" {
		t.Errorf("it is read as %s, b as %q", got, read.Value.Get("b").Str())
	}
}

// A form is what net/url takes as one, name by name.
func FuzzFormBody(f *testing.F) {
	for _, seed := range []string{
		"", "a=1", "b=2&a=1&b=3", "a", "=1", "&&a=1&", "a=1;b=2", "a=%zz", "%zz=a", "a=%ff", "a+b=c+d", "a=b=c", "a=\xff",
		strings.Repeat("a&", 10_000), strings.Repeat("a&", 9_999),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		want, err := url.ParseQuery(string(body))
		read := unified.FormBody(body)
		if raw, fault := mapping.ParseJSON(read.Raw); fault != nil || raw.Kind() != mapping.Object {
			t.Fatalf("%q: raw is no object: %v", body, fault)
		}
		if (err == nil) != read.Value.Exists() {
			t.Fatalf("%q is read: %v, but net/url says %v", body, read.Value.Exists(), err)
		}
		if err != nil {
			return
		}
		if read.Value.Len() != len(want) {
			t.Errorf("%q has %d names, want %d", body, read.Value.Len(), len(want))
		}
		for name, values := range want {
			if got := read.Value.Get(name).Str(); got != strings.ToValidUTF8(values[0], "\uFFFD") {
				t.Errorf("%q: %q is %q, want %q", body, name, got, values[0])
			}
			if raw, _ := mapping.ParseJSON(read.Raw); !read.Value.Get(name).Exists() || raw.Get("text").Exists() || raw.Get("base64").Exists() {
				continue // it is wrapped
			} else if len(values) > 1 && raw.Get(name).Len() != len(values) {
				t.Errorf("%q: raw has %d values of %q, want %d", body, raw.Get(name).Len(), name, len(values))
			}
		}
	})
}
