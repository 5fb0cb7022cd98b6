package sink

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// AppendJSON appends the outcome as encoding/json writes it, on one line and without the
// escapes that only HTML needs. There is one for every event, and encoding/json would
// look at each of its fields and at each byte of its bodies again.
func (o *Outcome) AppendJSON(dst []byte) []byte {
	dst = slices.Grow(dst, o.room())
	dst = append(dst, `{"event":`...)
	dst = o.Event.appendJSON(dst)
	dst = append(dst, `,"destination":{"name":`...)
	dst = appendText(dst, o.Destination.Name)
	dst = append(dst, `,"type":`...)
	dst = appendText(dst, o.Destination.Type)
	dst = append(dst, `},"outcome":`...)
	dst = appendText(dst, string(o.Outcome))
	dst = append(dst, `,"calls":`...)
	dst = appendList(dst, o.Calls, (*CallRecord).appendJSON)
	dst = append(dst, `,"ids":`...)
	dst = appendIDs(dst, o.IDs)
	dst = append(dst, `,"warnings":`...)
	dst = appendList(dst, o.Warnings, func(s *string, dst []byte) []byte { return appendText(dst, *s) })
	dst = append(dst, `,"error":`...)
	dst = o.Error.appendJSON(dst)
	dst = append(dst, `,"reason":`...)
	dst = appendOptional(dst, o.Reason)
	dst = append(dst, `,"dlq_id":`...)
	dst = appendOptional(dst, o.DLQID)
	dst = append(dst, `,"round":`...)
	dst = strconv.AppendInt(dst, int64(o.Round), 10)
	dst = append(dst, `,"source":`...)
	dst = o.Source.appendJSON(dst)
	dst = append(dst, `,"at":`...)
	dst = o.At.appendJSON(dst)
	dst = append(dst, `,"schema":`...)
	dst = strconv.AppendInt(dst, int64(o.Schema), 10)
	return append(dst, '}')
}

// room is about what the text takes.
func (o *Outcome) room() int {
	n := 768
	for i := range o.Calls {
		call := &o.Calls[i]
		n += 128 + len(call.URL) + len(call.Request.text) + len(call.Response.text)
	}
	return n
}

func (e *EventInfo) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendOptional(dst, e.ID)
	dst = append(dst, `,"type":`...)
	dst = appendOptional(dst, e.Type)
	dst = append(dst, `,"name":`...)
	dst = appendOptional(dst, e.Name)
	dst = append(dst, `,"lane":`...)
	dst = appendOptional(dst, e.Lane)
	return append(dst, '}')
}

func (r *CallRecord) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"method":`...)
	dst = appendText(dst, r.Method)
	dst = append(dst, `,"url":`...)
	dst = appendText(dst, r.URL)
	if r.Status != nil {
		dst = append(dst, `,"status":`...)
		dst = strconv.AppendInt(dst, int64(*r.Status), 10)
	}
	if r.Attempts != 0 {
		dst = append(dst, `,"attempts":`...)
		dst = strconv.AppendInt(dst, int64(r.Attempts), 10)
	}
	if r.DurationMS != nil {
		dst = append(dst, `,"duration_ms":`...)
		dst = appendNumber(dst, *r.DurationMS)
	}
	if r.Lookup {
		dst = append(dst, `,"lookup":true`...)
	}
	if !r.Request.IsZero() {
		dst = append(dst, `,"request":`...)
		dst = append(dst, r.Request.text...)
	}
	if !r.Response.IsZero() {
		dst = append(dst, `,"response":`...)
		dst = append(dst, r.Response.text...)
	}
	if r.Truncated {
		dst = append(dst, `,"truncated":true`...)
	}
	return append(dst, '}')
}

func (e *ErrorInfo) appendJSON(dst []byte) []byte {
	if e == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"stage":`...)
	dst = appendText(dst, string(e.Stage))
	dst = append(dst, `,"class":`...)
	dst = appendText(dst, string(e.Class))
	dst = append(dst, `,"code":`...)
	dst = appendText(dst, string(e.Code))
	dst = append(dst, `,"http_status":`...)
	if e.HTTPStatus == nil {
		dst = append(dst, "null"...)
	} else {
		dst = strconv.AppendInt(dst, int64(*e.HTTPStatus), 10)
	}
	dst = append(dst, `,"message":`...)
	dst = appendText(dst, e.Message)
	return append(dst, '}')
}

func (s *Source) appendJSON(dst []byte) []byte {
	if s == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"group":`...)
	dst = appendText(dst, s.Group)
	dst = append(dst, `,"topic":`...)
	dst = appendText(dst, s.Topic)
	dst = append(dst, `,"partition":`...)
	dst = strconv.AppendInt(dst, int64(s.Partition), 10)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, s.Offset, 10)
	dst = append(dst, `,"timestamp":`...)
	dst = s.Timestamp.appendJSON(dst)
	return append(dst, '}')
}

func (t Time) appendJSON(dst []byte) []byte {
	if t.IsZero() {
		t.Time = time.UnixMilli(0) // Kafka's own 0, which says as little: the schema has no null here
	}
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, TimeFormat)
	return append(dst, '"')
}

func appendIDs(dst []byte, ids map[string]string) []byte {
	if ids == nil {
		return append(dst, "null"...)
	}
	names := make([]string, 0, 4)
	for name := range ids {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, name)
		dst = append(dst, ':')
		dst = appendText(dst, ids[name])
	}
	return append(dst, '}')
}

func appendList[T any](dst []byte, list []T, element func(*T, []byte) []byte) []byte {
	if list == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(&list[i], dst)
	}
	return append(dst, ']')
}

func appendOptional[T ~string](dst []byte, text *T) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	return appendText(dst, string(*text))
}

// appendText leaves what is not plain to encoding/json.
func appendText(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendOther(dst, text)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

// appendNumber leaves what has an exponent to encoding/json.
func appendNumber(dst []byte, n float64) []byte {
	if n == 0 || 1e-6 <= n && n < 1e21 {
		return strconv.AppendFloat(dst, n, 'f', -1, 64)
	}
	return appendOther(dst, n)
}

// appendOther appends a text or a finite number: no other way of encoding/json to an
// error is open.
func appendOther(dst []byte, v any) []byte {
	text := bytes.NewBuffer(dst)
	enc := json.NewEncoder(text)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}
