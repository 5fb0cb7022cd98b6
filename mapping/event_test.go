package mapping_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

func mustDecode(t *testing.T, text string) mapping.Event {
	t.Helper()
	ev, err := mapping.Decode([]byte(text))
	if err != nil {
		t.Fatalf("Decode(%q) = %v", text, err)
	}
	return ev
}

func TestDecode_typeIsLowerCaseWithoutBlanks(t *testing.T) {
	for text, want := range map[string]string{`{"type":" Track\n"}`: "track", `{"type":"IDENTIFY"}`: "identify", `{"type":7}`: "", `{}`: ""} {
		if got := mustDecode(t, text).Type; got != want {
			t.Errorf("type of %s = %q, want %q", text, got, want)
		}
	}
}

func TestEvent_check(t *testing.T) {
	for text, want := range map[string]mapping.Code{
		`{"type":"anything"}`: "", `{}`: mapping.MissingType, `{"type":null}`: mapping.MissingType, `{"type":" "}`: mapping.MissingType,
		`{"type":1}`: mapping.WrongType, `{"type":["track"]}`: mapping.WrongType, `{"type":{}}`: mapping.WrongType, `{"type":true}`: mapping.WrongType,
	} {
		err := mustDecode(t, text).Check()
		if want == "" && err != nil {
			t.Errorf("Check of %s = %v", text, err)
		} else if want != "" {
			wantCode(t, err, want)
		}
	}
}

func TestEvent_getSkipsWhatIsEmpty(t *testing.T) {
	ev := mustDecode(t, `{"type":"track","a":"","b":null,"c":0,"d":false,"e":[],"f":{},"g":" "}`)
	for path, want := range map[string]string{"c": "0", "d": "false", "e": "[]", "f": "{}", "g": " "} {
		if got := ev.Get("missing", "a", "b", path, "type").Text(); got != want {
			t.Errorf("Get(..., %s, type) = %q, want %q", path, got, want)
		}
	}
	if got := ev.Get("a", "b", "x.y"); got.Exists() {
		t.Errorf("Get of nothing usable = %s", got.JSON())
	}
}

func TestEvent_name(t *testing.T) {
	for text, want := range map[string]string{
		`{"type":"track","event":"E","name":"N"}`:                        "E",
		`{"type":"track","event":7}`:                                     "",
		`{"type":"page","name":"N","properties":{"name":"P"}}`:           "N",
		`{"type":"screen","properties":{"name":"P"}}`:                    "P",
		`{"type":"page","name":"","properties":{"name":"P"}}`:            "P",
		`{"type":"identify","event":"E","name":"N"}`:                     "",
		`{"type":"page","event":"E"}`:                                    "",
		`{"type":"screen","name":["N"],"properties":{"name":{"x":"y"}}}`: "",
	} {
		if got := mustDecode(t, text).Name(); got != want {
			t.Errorf("name of %s = %q, want %q", text, got, want)
		}
	}
}

func TestEvent_idIsText(t *testing.T) {
	for text, want := range map[string]string{`{"messageId":"m"}`: "m", `{"messageId":12345678901234567890}`: "12345678901234567890", `{"messageId":{}}`: "", `{}`: ""} {
		if got := mustDecode(t, text).ID(); got != want {
			t.Errorf("id of %s = %q, want %q", text, got, want)
		}
	}
}

func TestFilter(t *testing.T) {
	types := mapping.Filter{Types: []string{"identify", "track"}}
	allow, deny := mapping.Filter{Allow: []string{"A", "B"}}, mapping.Filter{Deny: []string{"A", "B"}}
	tests := []struct {
		filter mapping.Filter
		event  string
		want   error
	}{
		{mapping.Filter{}, `{"type":"alias"}`, nil},
		{types, `{"type":"Track"}`, nil},
		{types, `{"type":"page"}`, mapping.TypeNotTaken},
		{mapping.Filter{Types: []string{}}, `{"type":"track"}`, mapping.TypeNotTaken},
		{allow, `{"type":"track","event":"A"}`, nil},
		{allow, `{"type":"track","event":"a"}`, mapping.Filtered},
		{allow, `{"type":"track","event":"A "}`, mapping.Filtered},
		{allow, `{"type":"track"}`, mapping.Filtered},
		{allow, `{"type":"page","name":"B"}`, nil},
		{allow, `{"type":"screen","properties":{"name":"B"}}`, nil},
		{allow, `{"type":"page","event":"A"}`, mapping.Filtered},
		{allow, `{"type":"identify"}`, nil},
		{deny, `{"type":"track","event":"A"}`, mapping.Filtered},
		{deny, `{"type":"track","event":"C"}`, nil},
		{deny, `{"type":"track"}`, nil},
		{deny, `{"type":"screen","name":"B"}`, mapping.Filtered},
		{deny, `{"type":"identify","event":"A"}`, nil},
	}
	for _, tt := range tests {
		if got := tt.filter.Check(mustDecode(t, tt.event)); !errors.Is(got, tt.want) {
			t.Errorf("%+v of %s = %v, want %v", tt.filter, tt.event, got, tt.want)
		}
	}
	wantCode(t, types.Check(mustDecode(t, `{"event":"A"}`)), mapping.MissingType)
}

func ExampleDecode() {
	ev, err := mapping.Decode([]byte(`{"type":"Track","event":"Product Purchased","userId":7,"properties":{"value":12.50}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ev.Type, "|", ev.Name(), "|", ev.Get("traits.email", "userId").Text(), "|", ev.Body.Path("properties.value").JSON())
	// Output: track | Product Purchased | 7 | 12.50
}
