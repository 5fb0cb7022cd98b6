package stub

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// JSON returns an answer with v as its body. The stubs' own values always marshal.
func JSON(status int, v any) Answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic("stub: marshalling an answer: " + err.Error())
	}
	return Answer{Status: status, Body: body}
}

// HTML returns an answer with a page as its body.
func HTML(status int, page string) Answer {
	return Answer{Status: status, HTML: true, Body: []byte(page)}
}

// parseObject reads a body that is one JSON object, numbers by their literal.
func parseObject(body []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more text follows the object")
	}
	if m == nil {
		return nil, errors.New("the body is null")
	}
	return m, nil
}

// parseArray reads a body that is one JSON array, numbers by their literal. It is nil for another
// body.
func parseArray(body []byte) []any {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var list []any
	if dec.Decode(&list) != nil {
		return nil
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return list
}

// ScalarText returns the text of a string or the literal of a number, else "".
func ScalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return ""
	}
}

// Digits returns the digits of a text, without what is between them.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
