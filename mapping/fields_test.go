package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

func TestReader_readsFieldsUnderOtherNames(t *testing.T) {
	plain := map[string]string{"userId": "customer_id", "event": "action"}
	deep := map[string]string{"traits.email": "traits.Email", "userId": "user.id", "properties.total": "payload.amount"}
	swap := map[string]string{"userId": "anonymousId", "anonymousId": "userId"}
	tests := []struct {
		fields                map[string]string
		event, want, warnings string
	}{
		{plain, `{"type":"track","customer_id":"7","action":"A"}`, `{"type":"track","event":"A","userId":"7"}`, ""},
		{plain, `{"type":"track","userId":"1","customer_id":"7"}`, `{"type":"track","userId":"7"}`, ""},
		{plain, `{"type":"track","userId":"1"}`, `{"type":"track","userId":"1"}`, ""},
		{plain, `{"userId":"1","customer_id":null,"event":"E","action":""}`, `{"userId":"1","customer_id":null,"event":"E","action":""}`, ""},
		{plain, `{"userId":"1","customer_id":"undefined"}`, `{"userId":"1","customer_id":"undefined"}`, "customer_id is a word that means nobody and was left out"},
		{plain, `{"userId":"1","customer_id":0}`, `{"userId":"1","customer_id":0}`, "customer_id is the number 0, which means nobody, and was left out"},
		{plain, `{"userId":"1","customer_id":{"a":1},"action":0}`, `{"event":0,"userId":{"a":1}}`, ""},
		{swap, `{"userId":"1","anonymousId":"2"}`, `{"anonymousId":"1","userId":"2"}`, ""},
		{swap, `{"userId":"1"}`, `{"anonymousId":"1"}`, ""},
		{deep, `{"traits":{"Email":"a@b","x":1},"user":{"id":7,"n":2},"payload":{"amount":5}}`, `{"traits":{"x":1,"email":"a@b"},"user":{"n":2},"payload":{},"properties":{"total":5},"userId":7}`, ""},
		{deep, `{"traits":{"email":"old","Email":"a@b"}}`, `{"traits":{"email":"a@b"}}`, ""},
		{deep, `{"traits":{"email":"old","Email":""}}`, `{"traits":{"email":"old","Email":""}}`, ""},
		{deep, `{"traits.Email":"flat","traits":{"Email":"deep"},"traits.email":"old"}`, `{"traits":{"Email":"deep","email":"flat"}}`, ""},
		{deep, `{"traits":[],"traits.Email":"a@b"}`, `{"traits":{"email":"a@b"}}`, "traits is a list and was left out"},
		{deep, `{"user":"7","payload":{"amount":0},"properties":null}`, `{"user":"7","payload":{},"properties":{"total":0}}`, ""},
		{deep, `{"user":{"id":7.5},"userId":"own"}`, `{"user":{"id":7.5},"userId":"own"}`, "user.id is a number with a fraction, or a very long one, and was left out"},
		{map[string]string{"traits": "traits.customer"}, `{"traits":{"customer":{"email":"a@b"},"x":1}}`, `{"traits":{"email":"a@b"}}`, ""},
		{map[string]string{"properties": "data", "userId": "data.user"}, `{"data":{"user":"u"}}`, `{"properties":{"user":"u"},"userId":"u"}`, ""},
		{map[string]string{"properties": "data"}, `{"data":"text"}`, `{}`, "properties is text and was left out"},
		{map[string]string{"userId": "id", "anonymousId": "id"}, `{"id":"7"}`, `{"anonymousId":"7","userId":"7"}`, ""},
		{map[string]string{"userId": "userId"}, `{"userId":"7"}`, `{"userId":"7"}`, ""},
	}
	for _, tt := range tests {
		ev, err := newReader(t, mapping.Layout{Fields: tt.fields}).Event(mapping.JSON, []byte(tt.event))
		if err != nil || ev.Body.JSON() != tt.want || strings.Join(ev.Warnings, ";") != tt.warnings {
			t.Errorf("with %v %s is read as %s, %q, %v; want %s, %q", tt.fields, tt.event, ev.Body.JSON(), ev.Warnings, err, tt.want, tt.warnings)
		}
	}
}

func TestReader_eventOfAnotherReaderIsNotChanged(t *testing.T) {
	value := mustParse(t, `{"traits":{"Email":"a@b"},"user":{"id":7}}`)
	r := newReader(t, mapping.Layout{Fields: map[string]string{"traits.email": "traits.Email", "userId": "user.id"}})
	if _, err := r.Event(decoded{value}, nil); err != nil {
		t.Fatal(err)
	}
	if got := value.JSON(); got != `{"traits":{"Email":"a@b"},"user":{"id":7}}` {
		t.Errorf("the value became %s", got)
	}
}

// decoded is a Decoder that has the event already.
type decoded struct{ body mapping.Value }

func (d decoded) Decode([]byte, mapping.Pointer) (mapping.Value, error) { return d.body, nil }
func (d decoded) Peek(_, key []byte, q *mapping.Query) string           { return q.Of(d.body, key) }

func TestCheckFields_namesEachFault(t *testing.T) {
	for _, tt := range []struct {
		fields map[string]string
		want   []string
	}{
		{map[string]string{"userId": "customer_id", "traits.email": "traits.Email", "traits": "a"}, []string{"traits and traits.email overlap: name one of them"}},
		{map[string]string{"": "a"}, []string{"must not be blank"}},
		{map[string]string{"a": " "}, []string{"must not be blank"}},
		{map[string]string{"a..b": "c", "d": "e."}, []string{`"a..b": "c"`, `"d": "e."`}},
		{map[string]string{"traits.inner": "traits"}, []string{"traits.inner cannot be read from traits: it lies in there"}},
		{map[string]string{"traits": "traits.inner", "a": "b", "b": "a", "user": "userId"}, nil},
	} {
		err := errors.Join(mapping.CheckFields(tt.fields)...)
		if (err == nil) != (tt.want == nil) {
			t.Errorf("CheckFields(%v) = %v, want %q", tt.fields, err, tt.want)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("CheckFields(%v) = %v, want %q", tt.fields, err, want)
			}
		}
	}
}
