package processor

import (
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// offsetFetched takes in the offset and the checkpoint that the group has for a partition.
func (b *book) offsetFetched(tp topicPartition, offset int64, metadata *string, code int16) {
	b.mu.Lock()
	defer b.mu.Unlock()
	part := b.parts[tp]
	if part == nil || part.claimed {
		return
	}
	// The client leaves a partition alone whose offset it was not given, until it is assigned again.
	part.offsetUnknown = code != 0
	if part.offsetUnknown || offset < 0 {
		return
	}
	part.committed, part.next = offset, offset
	if metadata != nil {
		part.metadata = *metadata
	}
}

// offsetRefused takes in that the client is not given the offset of a partition.
func (b *book) offsetRefused(tp topicPartition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if part := b.parts[tp]; part != nil && !part.claimed {
		part.offsetUnknown = true
	}
}

// offsetsUnknown are the partitions whose offset the client was not given.
func (b *book) offsetsUnknown() map[string][]int32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	unknown := make(map[string][]int32)
	for tp, part := range b.parts {
		if part.offsetUnknown {
			unknown[tp.topic] = append(unknown[tp.topic], tp.id)
		}
	}
	return unknown
}

// forgetOffset takes in that the offset of a partition is of an earlier topic of the name.
func (b *book) forgetOffset(part *partition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	part.committed, part.metadata, part.recreated = -1, "", true
}

// place has partitions begin at the offsets that the group has for them. It returns those
// that it has none for.
func (b *book) place(parts []*partition, have map[int32]kadm.Offset) (later []*partition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range parts {
		if at, ok := have[part.id]; ok && !part.recreated {
			part.committed, part.next, part.metadata, part.placed = at.At, at.At, at.Metadata, true
		} else {
			later = append(later, part)
		}
	}
	return later
}

// placeAt has a partition without an offset begin at one.
func (b *book) placeAt(part *partition, at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	part.next, part.placed = at, true
}

// unclaimed are the partitions of those that offsets names whose claim has not begun.
func (b *book) unclaimed(offsets map[string]map[int32]kgo.Offset) []*partition {
	return b.choose(func(part *partition) bool {
		_, named := offsets[part.topic][part.id]
		return named && !part.claimed
	})
}

// beginClaim notes that the partitions' claim begins, and puts the offsets at which they begin
// into those that the client takes.
func (b *book) beginClaim(parts []*partition, offsets map[string]map[int32]kgo.Offset) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range parts {
		if part.placed {
			offsets[part.topic][part.id] = kgo.NewOffset().At(part.next)
		}
		part.claimed = true
	}
}
