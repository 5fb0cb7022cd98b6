package mapping

// Decoder reads values of one form, JSON or Avro of one schema. It may be used by many
// goroutines.
type Decoder interface {
	// Decode reads the body of the event that a value holds at p, a JSON object. Errors
	// are *Error.
	Decode(value []byte, p Pointer) (Value, error)
	// Peek returns what q asks for of the event that a value holds, or of the record's key.
	Peek(value, key []byte, q *Query) string
}

// JSON reads values that are JSON.
var JSON Decoder = jsonDecoder{}

type jsonDecoder struct{}

func (jsonDecoder) Decode(value []byte, p Pointer) (Value, error) {
	text, err := p.locate(value)
	if err != nil {
		return Value{}, err
	}
	return p.parse(text)
}

func (d jsonDecoder) Peek(value, key []byte, q *Query) string {
	if q.built {
		body, _ := d.Decode(value, q.reader.at) // absent if the event cannot be read
		return q.Of(body, key)
	}
	if len(q.reader.at.tokens) > 0 {
		var err error
		if value, err = q.reader.at.locate(value); err != nil {
			value = nil
		}
	}
	return q.Scan(value, key)
}

// Refuse is the Decoder of values that nothing can read: all have the given fault.
func Refuse(fault *Error) Decoder { return refusing{fault} }

type refusing struct{ fault *Error }

func (r refusing) Decode([]byte, Pointer) (Value, error) { return Value{}, r.fault }

func (refusing) Peek(_, key []byte, q *Query) string { return q.Of(Value{}, key) }
