package processor

import (
	"encoding/binary"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// seenIDs is a set of message ids that forgets each after some time. It takes 16 bytes for an id,
// its time included, and a third more for free places: an hour of 1,000 events a second is 3.6
// million ids in about 77 MB.
//
// Of a digest it keeps 13 bytes, the first one as the number of a shard. So two ids are taken for
// one with a probability of one in 10^24 at that size. Times count in whole seconds.
type seenIDs struct {
	keep   int64 // seconds
	shards [seenShards]seenShard
}

// seenShards is how many parts the set has. Each grows alone, so that no growth takes long.
const seenShards = 64

// seenShard is a hash table of open addressing: an id lies at its place, or at the next free
// one.
type seenShard struct {
	slots []seenID
	used  int
}

// seenID is one id. at is 0 in a free place, else seconds since 1970.
type seenID struct {
	id [12]byte
	at uint32
}

func newSeenIDs(window time.Duration) *seenIDs {
	return &seenIDs{keep: int64((window + time.Second - 1) / time.Second)}
}

// add puts an id into the set, as of a time. An id that is in it stays as of the later time.
func (s *seenIDs) add(id sink.EventDigest, at time.Time) {
	shard, key := s.shard(id)
	if (shard.used+1)*8 > len(shard.slots)*7 {
		s.rebuild(shard)
	}
	shard.put(seenID{id: key, at: seconds(at)})
}

// has reports whether an id is in the set, and not too old at a time.
func (s *seenIDs) has(id sink.EventDigest, now time.Time) bool {
	shard, key := s.shard(id)
	if len(shard.slots) == 0 {
		return false
	}
	found := shard.find(key)
	return found.at != 0 && !s.tooOld(found.at, now)
}

// shard is the part of the set that an id belongs to, and what is kept of the id there.
func (s *seenIDs) shard(id sink.EventDigest) (*seenShard, [12]byte) {
	return &s.shards[id[0]%seenShards], [12]byte(id[1:13])
}

func (s *seenIDs) tooOld(at uint32, now time.Time) bool { return now.Unix()-int64(at) > s.keep }

// rebuild makes a shard's table again without the ids that are too old, and with a quarter of
// its places free.
func (s *seenIDs) rebuild(shard *seenShard) {
	now, old := time.Now(), shard.slots
	live := 0
	for i := range old {
		if old[i].at != 0 && !s.tooOld(old[i].at, now) {
			live++
		}
	}
	*shard = seenShard{slots: make([]seenID, 8+live*4/3)}
	for i := range old {
		if old[i].at != 0 && !s.tooOld(old[i].at, now) {
			shard.put(old[i])
		}
	}
}

// put puts an id where it belongs. There is a free place.
func (s *seenShard) put(id seenID) {
	at := s.find(id.id)
	if at.at == 0 {
		s.used++
		at.id = id.id
	}
	at.at = max(at.at, id.at)
}

// find is the place of an id, or the free one where it would be.
func (s *seenShard) find(id [12]byte) *seenID {
	// The digest is random, so a part of it says where, scaled to the size of the table.
	i := int(uint64(binary.LittleEndian.Uint32(id[:4])) * uint64(len(s.slots)) >> 32)
	for s.slots[i].at != 0 && s.slots[i].id != id {
		if i++; i == len(s.slots) {
			i = 0
		}
	}
	return &s.slots[i]
}

// seconds is a time as the set keeps it, 1 at the least.
func seconds(at time.Time) uint32 { return uint32(max(at.Unix(), 1)) }
