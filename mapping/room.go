package mapping

// Room is memory for the values of one text after another, for a program that is done with those of one
// before it reads the next. The zero Room is ready. It is for one goroutine at a time.
type Room struct {
	members []Member
	used    int // since Clear, more than members has where it was too small
}

// roomMembers is how many members a Room keeps at most, 16 KiB.
const roomMembers = 256

// ParseNested is the function of this name. The lists and objects of its value are good until Clear;
// texts stay.
func (r *Room) ParseNested(data []byte, depth int) (Value, error) {
	b := builders.Get().(*builder)
	defer b.release()
	b.free = r.members[min(r.used, len(r.members)):]
	v, err := b.read(data, depth)
	r.used += b.placed
	return v, err
}

// Members returns n members to be filled in, good until Clear.
func (r *Room) Members(n int) []Member {
	from := r.used
	r.used += n
	if r.used > len(r.members) {
		return make([]Member, n)
	}
	return r.members[from:r.used:r.used]
}

// Clear makes all of the room free, and makes room for as much as was used, within a limit.
func (r *Room) Clear() {
	if wanted := min(r.used, roomMembers); wanted > len(r.members) {
		r.members = make([]Member, max(wanted, 2*len(r.members)))
	} else {
		clear(r.members[:wanted])
	}
	r.used = 0
}
