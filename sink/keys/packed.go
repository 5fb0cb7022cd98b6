package keys

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"
)

// packed is an Entry and its Name as they are kept: without pointers, which the garbage collector
// would follow.
type packed struct {
	lane, key          Digest
	offset, claim      int64
	at                 int64  // milliseconds
	expires            uint32 // seconds
	partition, epoch   int32
	claimPartition     int32
	ticket             [12]byte
	topic              uint16 // of Store.topics
	topicID, claimedIn uint16 // of Store.ids
	form               form
	flags              flags
}

// form is how a ticket's id is packed.
type form uint8

const (
	none   form = iota // there is no entry
	number             // a decimal number of at most 64 bits
	hex24              // 24 lower-case hexadecimal digits, as Kustomer's
	text               // of Store.texts
)

type flags uint8

const (
	closed flags = 1 << iota
	kept
	redriven
)

func flag(set bool, f flags) flags {
	if set {
		return f
	}
	return 0
}

// packTicket packs an id. ok is false for one that has to be kept as a text.
func packTicket(id string) (packed [12]byte, as form, ok bool) {
	if n, err := strconv.ParseUint(id, 10, 64); err == nil && strconv.FormatUint(n, 10) == id {
		binary.BigEndian.PutUint64(packed[:], n)
		return packed, number, true
	}
	if n, err := hex.Decode(packed[:], []byte(id[:min(len(id), 24)])); len(id) == 24 && n == 12 && err == nil && hex.EncodeToString(packed[:]) == id {
		return packed, hex24, true
	}
	return [12]byte{}, text, false
}

func unpackTicket(packed [12]byte, as form) string {
	if as == number {
		return strconv.FormatUint(binary.BigEndian.Uint64(packed[:]), 10)
	}
	return hex.EncodeToString(packed[:])
}

func millis(at time.Time) int64 {
	if at.IsZero() {
		return -1
	}
	return at.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms < 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// seconds are those of a time, rounded up so that nothing expires too early. 0 is no end.
func seconds(at time.Time) uint32 {
	if at.IsZero() {
		return 0
	}
	return uint32(min(max(at.Add(time.Second-1).Unix(), 1), 1<<32-1))
}

func fromSeconds(s uint32) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}
