package kustomer

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/deskstream/deskstream/mapping/kustomer"
)

// known is what is remembered of a customer.
type known struct {
	// owner is the externalId that it was last seen or written with.
	owner string
	// company is the one that it was last seen or written with.
	company string
	// latest is the customer as the answer to our latest write showed it.
	latest latest
	// facts are entries of its lists.
	facts facts
}

// latest is what the answer to a write showed of a customer; the zero latest is nothing.
type latest struct {
	// rev is the revision that the write made.
	rev string
	// lists are the lists as they were then, a JSON object of maxLatest bytes at most.
	lists string
	// at is when that was, in Unix seconds.
	at int64
}

// maxLatest bounds latest.lists.
const maxLatest = 1 << 10

// text is the form in which a known is remembered: each text with its length before it.
func (k known) text() string {
	l := k.latest
	b := make([]byte, 0, 16+len(k.owner)+len(k.company)+len(l.rev)+len(l.lists)+len(k.facts))
	b = binary.AppendUvarint(b, uint64(l.at))
	for _, text := range [...]string{k.owner, k.company, l.rev, l.lists} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return string(append(b, k.facts...))
}

// parseKnown reads what text wrote; of anything else it gives the zero known.
func parseKnown(text string) known {
	var k known
	at, rest := uvarint(text)
	for _, part := range [...]*string{&k.owner, &k.company, &k.latest.rev, &k.latest.lists} {
		var n int64
		if n, rest = uvarint(rest); at < 0 || n < 0 || n > int64(len(rest)) {
			return known{}
		}
		*part, rest = rest[:n], rest[n:]
	}
	k.latest.at, k.facts = at, facts(rest)
	return k
}

// uvarint reads a number at the beginning of text, -1 if there is none, and returns what
// follows.
func uvarint(text string) (n int64, rest string) {
	for i := 0; i < len(text) && i < 8; i++ {
		n |= int64(text[i]&0x7F) << (7 * i)
		if text[i] < 0x80 {
			return n, text[i+1:]
		}
	}
	return -1, ""
}

// facts are the newest entries that a customer is known to have, factSize bytes each.
type facts string

const (
	factSize = 12
	// maxFacts is how many entries are remembered of a customer: 768 bytes at most.
	maxFacts = 64
)

// fact is one entry as hashes: of its list and value, and of the members that an event
// named, 0 for none. Of a location the value is its place, and the address a member,
// because the next address takes the place.
type fact struct {
	value uint64
	named uint32
}

var seed = maphash.MakeSeed()

func factOf(list string, e kustomer.Entry) fact {
	var value, named maphash.Hash
	value.SetSeed(seed)
	named.SetSeed(seed)
	add := func(h *maphash.Hash, text string) {
		_, _ = h.WriteString(text) // a hash's Write never fails
		_ = h.WriteByte(0)
	}
	add(&value, list)
	if slot, ok := kustomer.Slot(list, e.Value); ok {
		add(&value, slot)
		add(&named, e.Key)
		return fact{value.Sum64(), uint32(named.Sum64()) | 1}
	}
	add(&value, e.Key)
	if len(e.Named) == 0 {
		return fact{value.Sum64(), 0}
	}
	for _, m := range e.Named {
		add(&named, m.Name)
		add(&named, m.Value.JSON())
	}
	return fact{value.Sum64(), uint32(named.Sum64()) | 1}
}

func (f facts) at(i int) fact {
	b := []byte(f[i : i+factSize])
	return fact{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])}
}

// find is the place of the fact about the same value, -1 for none.
func (f facts) find(x fact) int {
	for i := 0; i+factSize <= len(f); i += factSize {
		if f.at(i).value == x.value {
			return i
		}
	}
	return -1
}

// has reports whether x is known.
func (f facts) has(x fact) bool {
	i := f.find(x)
	return i >= 0 && (x.named == 0 || f.at(i).named == x.named)
}

// with is f and x, in which the oldest make room.
func (f facts) with(x fact) facts {
	if f.has(x) {
		return f
	}
	if i := f.find(x); i >= 0 {
		f = f[:i] + f[i+factSize:]
	}
	if len(f) >= maxFacts*factSize {
		f = f[factSize:]
	}
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, factSize), x.value)
	return f + facts(binary.LittleEndian.AppendUint32(b, x.named))
}
