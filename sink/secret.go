package sink

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted stands where a secret would be printed.
const redacted = "[redacted]"

// Secret is a credential. However it is printed, logged or encoded, it shows as
// "[redacted]"; only Reveal gives its text. The zero Secret is empty.
type Secret struct {
	// A pointer, because fmt calls no method of an unexported field: of a struct that
	// holds a Secret in one, it prints this address and not the text.
	text *string
}

// NewSecret is the secret with the given text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal is the secret's text. It belongs into a request and nowhere else.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero tells whether there is no secret: none was set, or an empty one.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal compares the texts.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String redacts for %s and %v.
func (s Secret) String() string { return redacted }

// GoString redacts for %#v.
func (s Secret) GoString() string { return redacted }

// Format redacts for every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue redacts for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText redacts for encoders of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON redacts for encoding/json.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalYAML redacts for YAML encoders.
func (s Secret) MarshalYAML() (any, error) { return redacted, nil }
