package kustomer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
)

var update = flag.Bool("update", false, "write what Map gives as the golden answers")

// golden is testdata/<case>/in.json.
type golden struct {
	Config kustomer.Config
	Event  json.RawMessage
}

func TestMap_goldenCases(t *testing.T) {
	for _, dir := range goldenDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			in := readGolden(t, dir)
			got := shown(t, in.Config, in.Event)
			file := filepath.Join(dir, "want.json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("answer differs (-want +got):\n%s", diff)
			}
		})
	}
}

func goldenDirs(t testing.TB) []string {
	t.Helper()
	dirs, err := filepath.Glob("testdata/*/in.json")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no golden cases: %v", err)
	}
	for i, file := range dirs {
		dirs[i] = filepath.Dir(file)
	}
	return dirs
}

func readGolden(t testing.TB, dir string) golden {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "in.json"))
	if err != nil {
		t.Fatal(err)
	}
	var in golden
	if err := json.Unmarshal(data, &in); err != nil {
		t.Fatal(err)
	}
	return in
}

// shown is what Map says of an event, as indented JSON that keeps the order of bodies.
func shown(t testing.TB, c kustomer.Config, event []byte) []byte {
	t.Helper()
	message, err := mapped(t, c, event)
	answer := struct {
		Upsert   *kustomer.Upsert `json:",omitempty"`
		Track    *kustomer.Track  `json:",omitempty"`
		Warnings []string         `json:",omitempty"`
		Err      string           `json:",omitempty"`
	}{Warnings: message.Warnings}
	for _, step := range message.Steps {
		switch step := step.(type) {
		case kustomer.Upsert:
			answer.Upsert = &step
		case kustomer.Track:
			answer.Track = &step
		}
	}
	if err != nil {
		answer.Err = err.Error()
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(answer); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func mapped(t testing.TB, c kustomer.Config, event []byte) (kustomer.Message, error) {
	t.Helper()
	ev, err := mapping.Decode(event)
	if err != nil {
		t.Fatalf("decoding %s: %v", event, err)
	}
	return kustomer.New(c).Map(ev)
}

// oneStep is the step of an event that must have exactly one.
func oneStep[T kustomer.Step](t *testing.T, c kustomer.Config, event string) (T, []string) {
	t.Helper()
	message, err := mapped(t, c, []byte(event))
	if err != nil {
		t.Fatalf("mapping %s: %v", event, err)
	}
	if len(message.Steps) != 1 {
		t.Fatalf("mapping %s gave %d steps", event, len(message.Steps))
	}
	step, ok := message.Steps[0].(T)
	if !ok {
		t.Fatalf("mapping %s gave %T", event, message.Steps[0])
	}
	return step, message.Warnings
}

// wantWarning checks that some warning holds text; "" wants no warning at all.
func wantWarning(t *testing.T, warnings []string, text string) {
	t.Helper()
	if text == "" {
		if len(warnings) > 0 {
			t.Errorf("warnings %q, want none", warnings)
		}
		return
	}
	if !strings.Contains(strings.Join(warnings, "\n"), text) {
		t.Errorf("warnings %q, want one with %q", warnings, text)
	}
}

func wantCode(t *testing.T, event string, err error, code mapping.Code) {
	t.Helper()
	fault, ok := errors.AsType[*mapping.Error](err)
	if !ok || fault.Code != code {
		t.Errorf("mapping %s: error %v, want code %s", event, err, code)
	}
}

func TestMap_otherTypesAreNotTaken(t *testing.T) {
	for _, typ := range []string{"group", "Alias", "record", "nonsense"} {
		_, err := mapped(t, kustomer.Config{}, []byte(`{"type":"`+typ+`","userId":"u1"}`))
		if !errors.Is(err, mapping.TypeNotTaken) {
			t.Errorf("type %s: error %v, want %v", typ, err, mapping.TypeNotTaken)
		}
	}
}

func TestMap_typeIsCheckedFirst(t *testing.T) {
	for event, code := range map[string]mapping.Code{
		`{}`:           mapping.MissingType,
		`{"type":""}`:  mapping.MissingType,
		`{"type":[1]}`: mapping.WrongType,
	} {
		_, err := mapped(t, kustomer.Config{}, []byte(event))
		wantCode(t, event, err, code)
	}
}

func FuzzMap(f *testing.F) {
	for _, dir := range goldenDirs(f) {
		f.Add([]byte(readGolden(f, dir).Event), true)
	}
	f.Add([]byte(`{"type":"identify","userId":"a\u0000","traits":{"email":7,"emails":["x"],"tags":"a"}}`), false)
	f.Add([]byte(`{"type":"track","userId":1.5e3,"event":"\u0417\u0430\u043a\u0430\u0437 7","timestamp":"2025-03-04T05:06:07Z","properties":{"\u00fcNum\u20ac":1,"aAt":"0001-01-01","`+
		strings.Repeat("n", 30)+`Number":"x","\u8ba2\u5355":"2026-01-02"}}`), true)
	f.Add([]byte(`{"type":"identify","userId":0.5,"anonymousId":"a","traits":{"dob":-486950400,"createdAt":"Fri Jan 02 03:04:05 CET 2026","email":["x",{"email":"N <n@x.test>"}],"phone":3.1e10}}`), false)
	f.Add([]byte(`{"type":"page","anonymousId":1e400,"properties":{" ":1,"xNum":"1","xAt":true}}`), true)
	f.Fuzz(func(t *testing.T, event []byte, on bool) {
		ev, err := mapping.Decode(event)
		if err != nil {
			t.Skip()
		}
		m := kustomer.New(kustomer.Config{AdvancedTransform: on, SetIdentityEmail: on, DisableEmailAsTrackingProperty: on, EventTime: "happened"})
		first, err := m.Map(ev)
		second, again := m.Map(ev)
		if diff := cmp.Diff(first, second, cmp.Comparer(func(a, b mapping.Value) bool { return a.JSON() == b.JSON() })); diff != "" {
			t.Fatalf("two answers to one event:\n%s", diff)
		}
		if (err == nil) != (again == nil) || (err == nil) != (len(first.Steps) == 1) {
			t.Fatalf("errors %v and %v with %d steps", err, again, len(first.Steps))
		}
		for _, step := range first.Steps {
			wantSendable(t, step)
			if track, ok := step.(kustomer.Track); ok && on {
				wantInAlphabet(t, track.Body.Get("event"))
			}
		}
	})
}

// The names that the tracking API takes.
var (
	eventName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9\-_.]{1,254}$`)
	metaName  = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9\-_]{0,32}(Num|At)?$`)
)

// wantInAlphabet checks the names of a tracking event after advanced_transform.
func wantInAlphabet(t *testing.T, event mapping.Value) {
	t.Helper()
	if name := event.Get("name").Str(); !eventName.MatchString(name) {
		t.Errorf("event name %q", name)
	}
	if event.Get("meta").Len() > 100 {
		t.Errorf("%d members of meta", event.Get("meta").Len())
	}
	for _, m := range event.Get("meta").Members() {
		number := m.Value.Kind() == mapping.Number
		if !metaName.MatchString(m.Name) || number != strings.HasSuffix(m.Name, "Num") || !number && m.Value.Kind() != mapping.String {
			t.Errorf("member %q of meta is %s", m.Name, m.Value.JSON())
		}
		if _, err := time.Parse(time.DateOnly, cutAt(m.Value.Str(), 10)); err != nil && strings.HasSuffix(m.Name, "At") {
			t.Errorf("member %q of meta is no moment: %s", m.Name, m.Value.JSON())
		}
	}
}

func cutAt(text string, limit int) string { return text[:min(limit, len(text))] }

// wantSendable checks what any step must be, whatever the event was.
func wantSendable(t *testing.T, step kustomer.Step) {
	t.Helper()
	var body mapping.Value
	switch step := step.(type) {
	case kustomer.Upsert:
		body = step.Customer
		if step.ID == "" && (len(step.Lookups) == 0 || body.Get("externalId").Str() == "") {
			t.Errorf("a customer that cannot be found again: %+v", step)
		}
	case kustomer.Track:
		body = step.Body
		if body.Get("identity").Len() == 0 || body.Get("event", "name").Str() == "" {
			t.Errorf("an event without identity or name: %s", body.JSON())
		}
	}
	if _, err := mapping.ParseObject([]byte(body.JSON())); err != nil {
		t.Errorf("body %s is no JSON object: %v", body.JSON(), err)
	}
}
