package sample

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// oddity makes a record odd: it gives the value that takes the event's place.
type oddity struct {
	name  string
	value func(e event, mark string) []byte
}

// oddities are what real topics hold besides good events. Those that are fine, only
// unusual, come last.
var oddities = []oddity{
	{"tombstone", func(event, string) []byte { return nil }},
	{"empty", func(event, string) []byte { return []byte{} }},
	{"cut off", func(e event, _ string) []byte { v := encode(e); return v[:len(v)*2/3] }},
	{"not utf-8", func(e event, _ string) []byte {
		return bytes.Replace(encode(e), []byte("example"), []byte("ex\xffmple"), 1)
	}},
	{"list", func(e event, _ string) []byte { return encode([]event{e}) }},
	{"number", func(event, string) []byte { return []byte("42") }},
	{"too deep", func(_ event, mark string) []byte {
		return []byte(`{"type":"track","event":"` + mark + `","properties":` + strings.Repeat("[", 1100) + strings.Repeat("]", 1100) + "}")
	}},
	{"missing type", with(func(e map[string]any) { delete(e, "type") })},
	{"numeric type", with(func(e map[string]any) { e["type"] = 3 })},
	{"unknown type", with(func(e map[string]any) { e["type"] = "purchase" })},
	{"missing ids", with(func(e map[string]any) {
		for _, name := range []string{"userId", "anonymousId", "traits", "context"} {
			delete(e, name)
		}
	})},
	{"missing event", withTrack(func(e map[string]any) { delete(e, "event") })},
	{"blank event", withTrack(func(e map[string]any) { e["event"] = "  " })},
	{"numeric event", withTrack(func(e map[string]any) { e["event"] = 404 })},
	{"symbols as event", withTrack(func(e map[string]any) { e["event"] = "!!! ???" })},
	{"hostile id", with(func(e map[string]any) { e["userId"] = "../../v1/users/current?x=#" })},
	{"backslash id", with(func(e map[string]any) { e["userId"] = `shop\admin` })},
	{"control character id", with(func(e map[string]any) { e["userId"] = "user\u0000\n1" })},
	{"hostile contact id", with(func(e map[string]any) {
		e["context"] = map[string]any{"externalId": []any{
			map[string]any{"type": "trengoContactId", "id": "../tickets/1"},
			map[string]any{"type": "kustomerId", "id": "../users/current"},
		}}
	})},
	{"traits as text", with(func(e map[string]any) { e["traits"], e["properties"] = "none", []any{"a", 1} })},
	{"invalid email", with(func(e map[string]any) {
		e["type"], e["traits"] = "identify", map[string]any{"email": "nobody at example", "name": "Nobody"}
	})},
	{"dotted property", withTrack(func(e map[string]any) { e["properties"].(map[string]any)["order.total"] = "12" })},
	{"150 properties", withTrack(func(e map[string]any) {
		for i := range 150 {
			e["properties"].(map[string]any)[fmt.Sprintf("extra%03d", i)] = "x"
		}
	})},
	{"big numbers", withTrack(func(e map[string]any) {
		p := e["properties"].(map[string]any)
		p["ledger"], p["rate"] = json.Number("900719925474099312345"), json.Number("0.10000000000000000000001")
	})},
	{"unicode", withTrack(func(e map[string]any) {
		p := e["properties"].(map[string]any)
		p["comment"], p["greeting"] = "Zażółć gęślą jaźń \U0001F680 \u202Eabc", "こんにちは"
	})},
	{"numeric id", with(func(e map[string]any) { e["userId"] = 70000001 })},
	{"upper-case type", with(func(e map[string]any) { e["type"] = strings.ToUpper(fmt.Sprint(e["type"])) })},
	{"long event name", withTrack(func(e map[string]any) { e["event"] = strings.Repeat("Very ", 80) + "Long" })},
}

// odd gives the record another value.
func (g *Generator) odd(r Record, e event) Record {
	o := pick(g.rng, oddities)
	r.Kind, r.Value = "odd:"+o.name, o.value(e, r.Mark)
	return r
}

// with changes the members of an event.
func with(change func(map[string]any)) func(event, string) []byte {
	return func(e event, _ string) []byte { return encode(changed(e, change)) }
}

// withTrack makes the event a track event first, so that it has an event name and properties.
func withTrack(change func(map[string]any)) func(event, string) []byte {
	return func(e event, mark string) []byte {
		e.Type, e.Event, e.Traits = "track", "Order Completed", nil
		e.Properties = map[string]any{"eventNo": mark, "order_id": "ORD-0000001", "currency": "EUR"}
		return encode(changed(e, change))
	}
}

func changed(e event, change func(map[string]any)) map[string]any {
	dec := json.NewDecoder(bytes.NewReader(encode(e)))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		panic("sample: decoding an event: " + err.Error())
	}
	change(m)
	return m
}
