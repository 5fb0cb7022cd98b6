package receive

import (
	"crypto/hmac"
	"crypto/sha256"

	"github.com/deskstream/deskstream/mapping/unified"
)

// signed reports whether one of the keys has made a signature over a body. Each key takes the same
// time, whether or not another one fits.
func signed(s unified.Signature, body []byte, keys []string) bool {
	fits := false
	for _, key := range keys {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(s.Prefix))
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), s.MAC) {
			fits = true
		}
	}
	return fits
}
