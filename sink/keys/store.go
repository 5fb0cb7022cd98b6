package keys

import (
	"encoding/binary"
	"math"
	"sync"
	"time"
)

// Store holds the keys of one destination. It is safe for concurrent use. The zero Store is empty
// and ready.
type Store struct {
	mu sync.RWMutex
	// slots is a hash table with linear probing: one past the place of an entry, 0 for a free slot.
	slots []uint32
	// chunks hold the entries, so that a growing store moves none of them.
	chunks [][]packed
	n      uint32   // places in use or free
	free   []uint32 // places that are free again
	topics []string
	ids    []ID
	texts  map[uint32]string // tickets that do not fit, by the entry's place
}

// chunk is how many entries are allocated together.
const chunk = 1 << 12

// Len is how many keys there are.
func (s *Store) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.len()
}

func (s *Store) len() int { return int(s.n) - len(s.free) }

// Get is what is known of a key.
func (s *Store) Get(name Name) (e Entry, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	place, _, ok := s.find(name)
	if !ok {
		return Entry{}, false
	}
	return s.unpack(place), true
}

// Put takes in an entry of a key, which was written after those before. If it is of an earlier
// event than the present one it does not count: that is returned, and counts is false.
func (s *Store) Put(name Name, e Entry) (present Entry, counts bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	place, slot, ok := s.find(name)
	if ok {
		if present = s.unpack(place); !e.Replaces(present) {
			return present, false
		}
		delete(s.texts, place)
	} else {
		place = s.add(name, slot)
	}
	s.pack(place, e)
	return e, true
}

// Remove takes in that a key was removed by the event, and under the claim, of an entry. It counts as Put does.
func (s *Store) Remove(name Name, e Entry) (present Entry, counts bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	place, slot, ok := s.find(name)
	if !ok {
		return Entry{}, true
	}
	if present = s.unpack(place); !e.Replaces(present) {
		return present, false
	}
	s.remove(place, slot)
	return Entry{}, true
}

// Drop removes a key, whoever wrote it.
func (s *Store) Drop(name Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if place, slot, ok := s.find(name); ok {
		s.remove(place, slot)
	}
}

// Named is a key with what is known of it.
type Named struct {
	Name
	Entry
}

// Expired are keys of a topic that have expired.
func (s *Store) Expired(topic string, now time.Time) []Named {
	by := uint32(min(max(now.Unix(), 0), math.MaxUint32))
	return s.choose(topic, func(p *packed) bool { return p.expires != 0 && p.expires <= by })
}

// All are the keys of a topic.
func (s *Store) All(topic string) []Named {
	return s.choose(topic, func(*packed) bool { return true })
}

// ClosedBy are the keys that events of a partition have closed, and that are not kept.
func (s *Store) ClosedBy(topic string, id ID, partition int32) []Named {
	return s.choose(topic, func(p *packed) bool {
		return p.flags&(closed|kept) == closed && p.partition == partition && s.ids[p.topicID].matches(id)
	})
}

// choose are the keys of a topic that fit. Others may use the store in between.
func (s *Store) choose(topic string, fits func(*packed) bool) (list []Named) {
	for i := 0; ; i++ {
		if !s.chooseIn(i, topic, fits, &list) {
			return list
		}
	}
}

func (s *Store) chooseIn(i int, topic string, fits func(*packed) bool, list *[]Named) (more bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if i >= len(s.chunks) {
		return false
	}
	for j := range s.chunks[i] {
		place := uint32(i*chunk + j)
		if place >= s.n {
			break
		}
		p := &s.chunks[i][j]
		if p.form != none && s.topics[p.topic] == topic && fits(p) {
			*list = append(*list, Named{Name{topic, p.lane, p.key}, s.unpack(place)})
		}
	}
	return true
}

func (s *Store) at(place uint32) *packed { return &s.chunks[place/chunk][place%chunk] }

// find returns the place of a key's entry and its slot; if there is none, the slot for it.
func (s *Store) find(name Name) (place uint32, slot int, ok bool) {
	if len(s.slots) == 0 {
		return 0, 0, false
	}
	mask := len(s.slots) - 1
	for slot = int(hash(name.Lane, name.Key)) & mask; s.slots[slot] != 0; slot = (slot + 1) & mask {
		place = s.slots[slot] - 1
		if p := s.at(place); p.key == name.Key && p.lane == name.Lane && s.topics[p.topic] == name.Topic {
			return place, slot, true
		}
	}
	return 0, slot, false
}

// hash spreads keys over slots: digests are spread already.
func hash(lane, key Digest) uint64 {
	return binary.LittleEndian.Uint64(lane[:]) ^ binary.LittleEndian.Uint64(key[:])
}

// add makes an entry for a key that has none, in a slot that find returned.
func (s *Store) add(name Name, slot int) (place uint32) {
	if 4*(s.len()+1) > 3*len(s.slots) {
		s.grow()
		_, slot, _ = s.find(name)
	}
	if last := len(s.free) - 1; last >= 0 {
		place, s.free = s.free[last], s.free[:last]
	} else {
		place = s.n
		if s.n++; int(place/chunk) == len(s.chunks) {
			s.chunks = append(s.chunks, make([]packed, chunk))
		}
	}
	s.slots[slot] = place + 1
	*s.at(place) = packed{lane: name.Lane, key: name.Key, topic: numberOf(&s.topics, name.Topic)}
	return place
}

// grow makes twice the slots.
func (s *Store) grow() {
	s.slots = make([]uint32, max(2*len(s.slots), 64))
	mask := len(s.slots) - 1
	for place := range s.n {
		p := s.at(place)
		if p.form == none {
			continue
		}
		slot := int(hash(p.lane, p.key)) & mask
		for s.slots[slot] != 0 {
			slot = (slot + 1) & mask
		}
		s.slots[slot] = place + 1
	}
}

// remove frees an entry, and closes the gap in the slots that its one leaves: what was put behind
// it, because it was there, is moved up.
func (s *Store) remove(place uint32, slot int) {
	delete(s.texts, place)
	*s.at(place) = packed{}
	s.free = append(s.free, place)
	mask := len(s.slots) - 1
	gap := slot
	for next := (gap + 1) & mask; s.slots[next] != 0; next = (next + 1) & mask {
		p := s.at(s.slots[next] - 1)
		wants := int(hash(p.lane, p.key)) & mask
		if (next-wants)&mask >= (next-gap)&mask {
			s.slots[gap] = s.slots[next]
			gap = next
		}
	}
	s.slots[gap] = 0
}

func (s *Store) pack(place uint32, e Entry) {
	p := s.at(place)
	id, as, ok := packTicket(e.Ticket)
	if !ok {
		if s.texts == nil {
			s.texts = make(map[uint32]string)
		}
		s.texts[place] = e.Ticket
	}
	*p = packed{
		lane: p.lane, key: p.key, topic: p.topic,
		offset: e.By.Offset, partition: e.By.Partition, epoch: e.By.Epoch, topicID: numberOf(&s.ids, e.By.TopicID),
		claim: e.Claim.Number, claimPartition: e.Claim.Partition, claimedIn: numberOf(&s.ids, e.Claim.TopicID),
		at: millis(e.By.At), expires: seconds(e.Expires), ticket: id, form: as,
		flags: flag(e.Closed, closed) | flag(e.Kept, kept) | flag(e.Redriven, redriven),
	}
}

func (s *Store) unpack(place uint32) Entry {
	p := s.at(place)
	ticket := s.texts[place]
	if p.form != text {
		ticket = unpackTicket(p.ticket, p.form)
	}
	return Entry{
		Ticket: ticket, Closed: p.flags&closed != 0, Kept: p.flags&kept != 0, Redriven: p.flags&redriven != 0,
		By:      Event{TopicID: s.ids[p.topicID], Partition: p.partition, Offset: p.offset, Epoch: p.epoch, At: fromMillis(p.at)},
		Claim:   Claim{TopicID: s.ids[p.claimedIn], Partition: p.claimPartition, Number: p.claim},
		Expires: fromSeconds(p.expires),
	}
}

// numberOf is the number of a value in a list of few, to which a new one is added. A list that is
// full gives the last number, of the latest value: topics are not recreated so often.
func numberOf[T comparable](list *[]T, value T) uint16 {
	for i, present := range *list {
		if present == value {
			return uint16(i)
		}
	}
	if len(*list) == math.MaxUint16 {
		(*list)[math.MaxUint16-1] = value
		return math.MaxUint16 - 1
	}
	*list = append(*list, value)
	return uint16(len(*list) - 1)
}
