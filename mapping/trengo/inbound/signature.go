package inbound

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/mapping/unified"
)

// signatureHeader has the Unix time of the signature and the MAC: "<seconds>;<hex>".
const signatureHeader = "Trengo-Signature"

// Signature returns what a request claims. Source: vendor documentation, verifying requests. The
// MAC is over the time as it is written, a dot, and the raw body.
func Signature(header func(name string) string, _ []byte) (unified.Signature, error) {
	seconds, mac, found := strings.Cut(header(signatureHeader), ";")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if !found || err != nil || at <= 0 {
		return unified.Signature{}, unified.ErrNoSignature
	}
	sum, err := hex.DecodeString(mac)
	if err != nil || len(sum) != sha256.Size {
		return unified.Signature{}, unified.ErrNoSignature
	}
	return unified.Signature{MAC: sum, Prefix: seconds + ".", At: time.Unix(at, 0)}, nil
}
