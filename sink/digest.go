package sink

import (
	"crypto/sha256"
	"encoding/hex"
)

// EventDigest is the first 16 bytes of the SHA-256 of a message id. It is zero for an event
// without one.
type EventDigest [16]byte

// DigestOf is the digest of a message id in its text form, however long that is.
func DigestOf(messageID string) (digest EventDigest) {
	if messageID == "" {
		return EventDigest{}
	}
	var text [64]byte // most ids fit, and need no memory of their own
	sum := sha256.Sum256(append(text[:0], messageID...))
	copy(digest[:], sum[:])
	return digest
}

// AppendHex appends the digest in hex, and nothing for the zero digest.
func (d EventDigest) AppendHex(dst []byte) []byte {
	if d == (EventDigest{}) {
		return dst
	}
	return hex.AppendEncode(dst, d[:])
}
