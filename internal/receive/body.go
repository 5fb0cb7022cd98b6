package receive

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// MaxBody is how long a body may be, in bytes.
const MaxBody = 1 << 20

// maxBodies is how many bytes all bodies that are being read or written take together. Who has no
// secret can make the program keep that much, and no more.
const maxBodies = 64 << 20

// firstRead is the room that a body of unknown length begins with, in bytes.
const firstRead = 4 << 10

var (
	errTooLarge = errors.New("the body is longer than 1 MiB")
	errFull     = errors.New("too many bodies are being read")
)

// mostKept is the longest room that is kept for other bodies, in bytes.
const mostKept = 4 << 10

// bodies reads bodies within a limit on all of them together.
type bodies struct {
	taken atomic.Int64
	kept  sync.Pool // of *[mostKept]byte
}

// take takes room, and reports whether there was enough.
func (b *bodies) take(n int) bool {
	if b.taken.Add(int64(n)) > maxBodies {
		b.taken.Add(-int64(n))
		return false
	}
	return true
}

// read reads a request's body. The caller gives its room back with give when it is done with it: what
// was read must not be used afterwards.
// Errors: errTooLarge, errFull, and those of the connection.
func (b *bodies) read(r *http.Request) (body []byte, give func(), err error) {
	if r.ContentLength > MaxBody {
		return nil, nil, errTooLarge
	}
	room := firstRead
	if r.ContentLength >= 0 {
		room = int(r.ContentLength) + 1 // so that the end is seen without growing
	}
	taken := 0
	var kept *[mostKept]byte
	give = func() {
		b.taken.Add(-int64(taken))
		if kept != nil {
			b.kept.Put(kept)
		}
	}
	for {
		if !b.take(room - taken) {
			give()
			return nil, nil, errFull
		}
		taken = room
		if body == nil && room <= mostKept {
			if kept, _ = b.kept.Get().(*[mostKept]byte); kept == nil {
				kept = new([mostKept]byte)
			}
			body = kept[:0:room]
		} else {
			grown := make([]byte, len(body), room)
			copy(grown, body)
			body = grown
		}
		for len(body) < cap(body) {
			n, err := r.Body.Read(body[len(body):cap(body)])
			body = body[:len(body)+n]
			if errors.Is(err, io.EOF) && len(body) <= MaxBody {
				return body, give, nil
			}
			if err != nil && !errors.Is(err, io.EOF) {
				give()
				return nil, nil, err
			}
			if len(body) > MaxBody {
				give()
				return nil, nil, errTooLarge
			}
		}
		room = min(2*room, MaxBody+1)
	}
}
