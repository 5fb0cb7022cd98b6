package sink

import (
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
)

// redacted stands where a secret would be printed.
const redacted = "[redacted]"

// Lengths of credentials, in characters.
const (
	// MinCredential is the shortest that a host other than loopback may be given: what is
	// shorter can be guessed, and is in half of what a help desk answers.
	MinCredential = 8
	// SafeCredential is the shortest that no other text contains by chance.
	SafeCredential = 16
)

// Secret is a credential. However it is printed, logged or encoded, it shows as
// "[redacted]"; only Reveal gives its text. The zero Secret is empty. Copies of a Secret
// are one secret: what Reread finds, all of them reveal.
type Secret struct {
	// A pointer, because fmt calls no method of an unexported field: of a struct that
	// holds a Secret in one, it prints this address and not the text.
	held *held
}

// held is a secret's present text, and where it comes from.
type held struct {
	text atomic.Pointer[string]
	read atomic.Pointer[func() (string, error)] // nil for a text that does not change
}

// NewSecret is the secret with the given text.
func NewSecret(text string) Secret { return NewRereadSecret(text, nil) }

// NewRereadSecret is a secret whose text may change where it comes from: read gives the
// present one. Its errors may not show it.
func NewRereadSecret(text string, read func() (string, error)) Secret {
	h := new(held)
	h.text.Store(&text)
	if read != nil {
		h.read.Store(&read)
	}
	return Secret{held: h}
}

// Reveal is the secret's text. It belongs into a request and nowhere else.
func (s Secret) Reveal() string {
	if s.held == nil {
		return ""
	}
	return *s.held.text.Load()
}

// Reread reads the secret again where it comes from, and reports whether its text is
// another one now. After an error it is what it was.
func (s Secret) Reread() (changed bool, err error) {
	if s.held == nil {
		return false, nil
	}
	read := s.held.read.Load()
	if read == nil {
		return false, nil
	}
	text, err := (*read)()
	if err != nil {
		return false, err
	}
	return *s.held.text.Swap(&text) != text, nil
}

// Become gives the secret, and every copy of it, the text of another one and where that comes from.
// It reports whether the text has changed. The zero Secret stays what it is.
func (s Secret) Become(other Secret) (changed bool) {
	if s.held == nil || other.held == nil {
		return false
	}
	s.held.read.Store(other.held.read.Load())
	text := other.Reveal()
	return *s.held.text.Swap(&text) != text
}

// IsZero reports whether there is no secret: none was set, or an empty one.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal compares the texts.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// Redact returns text without the secret, in whatever spelling it is there. A secret
// shorter than SafeCredential is not looked for: it would be found in other words.
func (s Secret) Redact(text string) string { return Redact(text, s) }

// Redact is Secret.Redact for several secrets.
func Redact(text string, secrets ...Secret) string { return newRedaction(secrets...).calls.text(text) }

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
