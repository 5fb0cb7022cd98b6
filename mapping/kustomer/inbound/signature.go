package inbound

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// signatureHeader has the MAC of the raw body, in hexadecimal.
const signatureHeader = "X-Kustomer-Webhook-Signature"

// Signature returns what a request claims. Source: vendor documentation, delivery and retries. The
// signature has no time of its own: the body's createdAt, which is signed with it, counts.
func Signature(header func(name string) string, body []byte) (unified.Signature, error) {
	sum, err := hex.DecodeString(header(signatureHeader))
	if err != nil || len(sum) != sha256.Size {
		return unified.Signature{}, unified.ErrNoSignature
	}
	return unified.Signature{MAC: sum}, nil
}

// created is when the event of a body was made.
func created(v mapping.Value) unified.Time { return unified.When(v, "createdAt", utc) }
