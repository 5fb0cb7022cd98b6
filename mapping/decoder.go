package mapping

// Decoder reads values of one form, JSON or Avro of one schema. It may be used by many
// goroutines.
type Decoder interface {
	// Decode reads a value as an event's body, a JSON object. Errors are *Error.
	Decode(value []byte) (Value, error)
	// Lane is what the function Lane says, for a value of this form.
	Lane(value, key []byte, fields []string) string
}

// JSON reads values that are JSON.
var JSON Decoder = jsonDecoder{}

type jsonDecoder struct{}

func (jsonDecoder) Decode(value []byte) (Value, error) { return ParseObject(value) }

func (jsonDecoder) Lane(value, key []byte, fields []string) string { return Lane(value, key, fields) }

// Refuse is the Decoder of values that nothing can read: all have the given fault.
func Refuse(fault *Error) Decoder { return refusing{fault} }

type refusing struct{ fault *Error }

func (r refusing) Decode([]byte) (Value, error) { return Value{}, r.fault }

func (refusing) Lane(_, key []byte, fields []string) string { return Lane(nil, key, fields) }
