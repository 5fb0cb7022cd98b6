package sink

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// referenceLength is that of a Doer's Ref, in characters.
const referenceLength = 32

// reference makes the Refs of one event.
type reference struct {
	// identity tells the event's record from all others, nil if there is nothing that does.
	identity func() string
	// made stands for an identity that is nil.
	made string
}

// Ref makes the sender a Doer, in part.
func (r *reference) Ref(step string) string {
	if r.identity != nil {
		return RefOf(r.identity(), step)
	}
	if r.made == "" {
		r.made = rand.Text()
	}
	return RefOf(r.made, step)
}

// RefOf is the Ref that a Doer has for a step of the event with an identity.
func RefOf(identity, step string) string {
	sum := sha256.Sum256([]byte(identity + "\x00" + step))
	return hex.EncodeToString(sum[:referenceLength/2])
}

// Ref makes it a Doer. A plan without an identity has a placeholder, so that it is the same each time.
func (s *planner) Ref(step string) string {
	if s.identity == nil {
		return strings.Repeat("0", referenceLength)
	}
	return s.sender.Ref(step)
}
