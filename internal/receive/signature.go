package receive

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"io"
	"sync"

	"github.com/deskstream/deskstream/mapping/unified"
)

// macs are hashes by their keys, each ready for another body: what a key does to one costs as much as a
// kilobyte of body. The zero value is ready.
type macs struct {
	byKey sync.Map // *sync.Pool of hash.Hash, by key
}

// forget forgets the keys, which may be no longer in use.
func (m *macs) forget() { m.byKey.Clear() }

// signed reports whether one of the keys has made a signature over a body. Each key takes the same
// time, whether or not another one fits.
func (m *macs) signed(s unified.Signature, body []byte, keys []string) bool {
	fits := false
	for _, key := range keys {
		if m.fits(key, s, body) {
			fits = true
		}
	}
	return fits
}

func (m *macs) fits(key string, s unified.Signature, body []byte) bool {
	found, ok := m.byKey.Load(key)
	if !ok {
		found, _ = m.byKey.LoadOrStore(key, &sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(key)) }})
	}
	ready := found.(*sync.Pool)
	mac := ready.Get().(hash.Hash)
	defer ready.Put(mac)
	mac.Reset()
	_, _ = io.WriteString(mac, s.Prefix) // a hash takes all
	_, _ = mac.Write(body)
	var sum [sha256.Size]byte
	return hmac.Equal(mac.Sum(sum[:0]), s.MAC)
}
