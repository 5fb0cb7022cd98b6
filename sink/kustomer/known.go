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
	// facts are entries of its lists.
	facts facts
}

// text is the form in which a known is remembered: the lengths of owner and company, both,
// and the facts.
func (k known) text() string {
	b := make([]byte, 0, 4+len(k.owner)+len(k.company)+len(k.facts))
	b = binary.AppendUvarint(b, uint64(len(k.owner)))
	b = binary.AppendUvarint(b, uint64(len(k.company)))
	b = append(append(append(b, k.owner...), k.company...), k.facts...)
	return string(b)
}

// parseKnown reads what text wrote; "" is the zero known.
func parseKnown(text string) known {
	owner, rest := uvarint(text)
	company, rest := uvarint(rest)
	if owner+company > len(rest) {
		return known{}
	}
	return known{owner: rest[:owner], company: rest[owner : owner+company], facts: facts(rest[owner+company:])}
}

// uvarint reads a number below 2^14 at the beginning of text, and returns what follows.
func uvarint(text string) (n int, rest string) {
	for i := 0; i < len(text) && i < 3; i++ {
		n |= int(text[i]&0x7F) << (7 * i)
		if text[i] < 0x80 {
			return n, text[i+1:]
		}
	}
	return 0, ""
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
