package processor

// offsetSet is a set of offsets per leader epoch. It takes a bit for each offset
// where they lie close together.
type offsetSet struct {
	chunks  map[chunkKey]*[chunkWords]uint64
	top     int64 // the highest offset that was reached, if there is any
	reached bool
}

type chunkKey struct {
	epoch int32
	chunk int64
}

const (
	chunkWords = 64
	chunkBits  = chunkWords * 64
)

func (s *offsetSet) add(offset int64, epoch int32) {
	if s.chunks == nil {
		s.chunks = make(map[chunkKey]*[chunkWords]uint64)
	}
	key := chunkKey{epoch, offset / chunkBits}
	chunk := s.chunks[key]
	if chunk == nil {
		chunk = new([chunkWords]uint64)
		s.chunks[key] = chunk
	}
	bit := offset % chunkBits
	chunk[bit/64] |= 1 << (bit % 64)
	s.reach(offset)
}

// reach notes an offset that need not be in the set.
func (s *offsetSet) reach(offset int64) { s.top, s.reached = max(s.top, offset), true }

func (s *offsetSet) has(offset int64, epoch int32) bool {
	chunk := s.chunks[chunkKey{epoch, offset / chunkBits}]
	bit := offset % chunkBits
	return chunk != nil && chunk[bit/64]&(1<<(bit%64)) != 0
}

func (s *offsetSet) empty() bool { return !s.reached }
