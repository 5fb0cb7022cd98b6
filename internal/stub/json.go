package stub

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// jsonAnswer is an answer with a JSON body. The stubs' own values always marshal.
func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic("stub: marshalling an answer: " + err.Error())
	}
	return answer{status: status, body: body}
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
		return nil, errors.New("more follows behind the object")
	}
	if m == nil {
		return nil, errors.New("the body is null")
	}
	return m, nil
}

// scalarText is the text of a string or the literal of a number, else "".
func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return ""
	}
}
