package avro_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	twmb "github.com/twmb/avro"

	"github.com/deskstream/deskstream/mapping"
)

// maker makes up schemas, with a value of each: as another library takes it, and as JSON
// that Decode must give.
type maker struct {
	random *rand.Rand
	named  int
}

// typ makes up a type with a value.
func (m *maker) typ(depth int) (schema string, value any, want string) {
	if depth == 0 || m.random.IntN(3) > 0 {
		return m.primitive()
	}
	switch m.random.IntN(4) {
	case 0:
		return m.list(depth - 1)
	case 1:
		return m.pairs(depth - 1)
	case 2:
		return m.union(depth - 1)
	default:
		schema, value, want = m.record(depth-1, 0)
		return schema, value, want
	}
}

func (m *maker) primitive() (schema string, value any, want string) {
	i := m.random.Int64() >> m.random.IntN(64)
	text := []string{"", "a", "é😀", `"\`, "null", strings.Repeat("x", m.random.IntN(300))}[m.random.IntN(6)]
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	switch m.random.IntN(7) {
	case 0:
		return `"null"`, nil, "null"
	case 1:
		b := m.random.IntN(2) == 0
		return `"boolean"`, b, fmt.Sprint(b)
	case 2:
		return `"int"`, int32(i), fmt.Sprint(int32(i))
	case 3:
		return `"long"`, i, fmt.Sprint(i)
	case 4:
		whole := float64(i >> 40)
		return `"double"`, whole, fmt.Sprintf("%.0f", whole)
	case 5:
		m.named++
		return fmt.Sprintf(`{"type":"enum","name":"E%d","symbols":["A","B","C"]}`, m.named), "B", `"B"`
	default:
		return `"string"`, text, string(quoted)
	}
}

func (m *maker) list(depth int) (schema string, value any, want string) {
	items, v, item := m.typ(depth)
	n := m.random.IntN(4)
	values, texts := make([]any, n), make([]string, n)
	for i := range n {
		values[i], texts[i] = v, item
	}
	return `{"type":"array","items":` + items + `}`, values, "[" + strings.Join(texts, ",") + "]"
}

func (m *maker) pairs(depth int) (schema string, value any, want string) {
	items, v, item := m.typ(depth)
	values, texts := map[string]any{}, []string{}
	for i := range m.random.IntN(4) {
		name := string(rune('a' + i))
		values[name] = v
		texts = append(texts, `"`+name+`":`+item)
	}
	return `{"type":"map","values":` + items + `}`, values, "{" + strings.Join(texts, ",") + "}"
}

// union is of null and another type.
func (m *maker) union(depth int) (schema string, value any, want string) {
	other, v, text := m.typ(depth)
	for strings.HasPrefix(other, "[") || other == `"null"` {
		other, v, text = m.primitive()
	}
	if m.random.IntN(2) == 0 {
		return `["null",` + other + `]`, nil, "null"
	}
	return `[` + other + `,"null"]`, v, text
}

func (m *maker) record(depth, least int) (schema string, value map[string]any, want string) {
	m.named++
	name := fmt.Sprintf("R%d", m.named)
	value = map[string]any{}
	var fields, texts []string
	for i := range least + m.random.IntN(4) {
		typ, v, text := m.typ(depth)
		field := fmt.Sprintf("f%d", i)
		fields = append(fields, `{"name":"`+field+`","type":`+typ+`}`)
		value[field] = v
		texts = append(texts, `"`+field+`":`+text)
	}
	return `{"type":"record","name":"` + name + `","namespace":"com.example","fields":[` + strings.Join(fields, ",") + `]}`, value, "{" + strings.Join(texts, ",") + "}"
}

// What another library writes is read as it was meant, in the plain form, behind a header
// and as a single object, whose fingerprint the two libraries compute each by itself.
func TestOracle_whatAnotherLibraryWritesIsReadAsItWasMeant(t *testing.T) {
	for seed := range uint64(2000) {
		m := &maker{random: rand.New(rand.NewPCG(seed, 20))}
		text, value, want := m.record(4, 1)
		other, err := twmb.Parse(text)
		if err != nil {
			t.Fatalf("seed %d: the other library refuses %s: %v", seed, text, err)
		}
		data, err := other.Encode(value)
		if err != nil {
			t.Fatalf("seed %d: encoding %v by %s: %v", seed, value, text, err)
		}
		s := parse(t, text)
		if got, err := s.Decode(data, mapping.Pointer{}); err != nil || got.JSON() != want {
			t.Fatalf("seed %d: Decode by %s = %s, %v, want %s", seed, text, got.JSON(), err, want)
		}
		single, err := other.AppendSingleObject(nil, value)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got, err := s.Unnumbered().Decode(single, mapping.Pointer{}); err != nil || got.JSON() != want {
			t.Fatalf("seed %d: a single object by %s = %s, %v, want %s", seed, text, got.JSON(), err, want)
		}
		for n := range data {
			if _, err := s.Decode(data[:n], mapping.Pointer{}); err == nil {
				t.Fatalf("seed %d: %x, of which %d bytes are cut, is read by %s", seed, data[:n], len(data)-n, text)
			}
		}
	}
}

// What we write is read by the other library as what it was.
func TestOracle_whatWeWriteIsReadByAnotherLibrary(t *testing.T) {
	for seed := range uint64(1000) {
		m := &maker{random: rand.New(rand.NewPCG(seed, 21))}
		text, value, want := m.record(3, 1)
		other, err := twmb.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := mapping.ParseObject([]byte(want))
		if err != nil {
			t.Fatal(err)
		}
		data, err := parse(t, text).Append([]byte("head"), v)
		if err != nil || !strings.HasPrefix(string(data), "head") {
			t.Fatalf("seed %d: Append of %s by %s = %x, %v", seed, want, text, data, err)
		}
		var read any
		rest, err := other.Decode(data[len("head"):], &read)
		if err != nil || len(rest) > 0 {
			t.Fatalf("seed %d: reading %s by %s: %v, %d bytes are left", seed, want, text, err, len(rest))
		}
		if got, expected := fmt.Sprint(read), fmt.Sprint(value); got != expected {
			t.Fatalf("seed %d: %s is read as %s by %s", seed, expected, got, text)
		}
	}
}

// The fingerprint does not depend on what the canonical form leaves out.
func TestUnnumbered_theFingerprintIsOfTheCanonicalForm(t *testing.T) {
	plain := `{"type":"record","name":"com.example.Event","fields":[{"name":"x","type":{"type":"enum","name":"com.example.E","symbols":["A","B"]}},{"name":"y","type":["null",{"type":"array","items":"com.example.E"}]}]}`
	single, err := twmb.MustParse(plain).AppendSingleObject(nil, map[string]any{"x": "B", "y": []any{"A"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"as it is":              plain,
		"blanks":                strings.ReplaceAll(plain, ",", " ,\n\t"),
		"a namespace":           strings.Replace(strings.ReplaceAll(plain, "com.example.E\"", "E\""), `"name":"com.example.Event"`, `"name":"Event","namespace":"com.example"`, 1),
		"documentation":         strings.Replace(plain, `"fields":`, `"doc":"An event","aliases":["Old"],"fields":`, 1),
		"a default":             strings.Replace(plain, `{"name":"y",`, `{"name":"y","default":null,"order":"ignore","doc":"y",`, 1),
		"properties of its own": strings.Replace(plain, `"symbols":`, `"x-owner":"shop","symbols":`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse(t, text).Unnumbered().Decode(single, mapping.Pointer{})
			if err != nil || got.JSON() != `{"x":"B","y":["A"]}` {
				t.Errorf("Decode by %s = %s, %v", text, got.JSON(), err)
			}
		})
	}
	for name, text := range map[string]string{
		"another name":   strings.Replace(plain, "com.example.Event", "com.example.Events", 1),
		"another symbol": strings.Replace(plain, `"B"`, `"C"`, 1),
		"another order":  strings.Replace(plain, `["A","B"]`, `["B","A"]`, 1),
		"another field":  strings.Replace(plain, `"name":"x"`, `"name":"z"`, 1),
		"another type":   strings.Replace(plain, `"type":"array","items"`, `"type":"map","values"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, text).Unnumbered().Decode(single, mapping.Pointer{})
			if err == nil || codeOf(t, err) != mapping.UnknownSchema {
				t.Errorf("Decode = %v, want unknown_schema", err)
			}
		})
	}
}
