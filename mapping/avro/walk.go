package avro

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/deskstream/deskstream/mapping"
)

// maxEmpty is how many values without any byte of their own one record may have: a
// list of a billion nulls takes five bytes.
const maxEmpty = 10_000

// walker goes over the bytes of one value along its schema and builds nothing. What it
// has passed, goavro reads with memory in proportion to the bytes.
type walker struct {
	data  []byte
	at    int
	empty int
}

// fault is what is wrong with the bytes, and where. Path is filled in on the way out,
// the innermost name first; what a map's members are called is the customer's and
// left out.
type fault struct {
	what string
	deep bool
	at   int
	path []string
}

func (f *fault) within(name string) *fault {
	f.path = append(f.path, name)
	return f
}

// error is the fault as that of the event.
func (f *fault) error() *mapping.Error {
	if f.deep {
		return &mapping.Error{Code: mapping.TooDeep, Message: fmt.Sprintf("the value nests more than %d levels", mapping.MaxDepth)}
	}
	return &mapping.Error{Code: mapping.BadAvro, Message: fmt.Sprintf("%s %s, at byte %d", f.place(), f.what, f.at)}
}

// place is the path from the outermost name on.
func (f *fault) place() string {
	var place strings.Builder
	for _, name := range slices.Backward(f.path) {
		if place.Len() > 0 && !strings.HasPrefix(name, "[") {
			place.WriteByte('.')
		}
		place.WriteString(name)
	}
	if place.Len() == 0 {
		return "the record"
	}
	return place.String()
}

func (w *walker) fault(what string) *fault { return &fault{what: what, at: w.at} }

const endsEarly = "ends before it is complete"

// check walks a whole value.
func (s *Schema) check(data []byte) *fault {
	w := walker{data: data}
	root, f := w.alternative(s.root)
	if f == nil {
		f = w.record(root, nil)
	}
	return f
}

// alternative reads which branch of a union follows. Of another type it reads nothing.
func (w *walker) alternative(n *node) (*node, *fault) {
	if n.kind != unionKind {
		return n, nil
	}
	i, f := w.varint()
	if f == nil && (i < 0 || i >= int64(len(n.branches))) {
		f = w.fault("is of a type that its union does not have")
	}
	if f != nil {
		return nil, f
	}
	return n.branches[i], nil
}

// record walks a whole record, or null, which must end with the data. each, if not nil,
// gets where each field of the record begins.
func (w *walker) record(root *node, each func(i, at int)) *fault {
	for i := range root.fields {
		if each != nil {
			each(i, w.at)
		}
		if f := w.value(root.fields[i].node, 2); f != nil {
			return f.within(root.fields[i].name)
		}
	}
	if w.at < len(w.data) {
		return w.fault(fmt.Sprintf("is followed by bytes that do not belong to it, %d of them", len(w.data)-w.at))
	}
	return nil
}

// value walks one value. A list, map or record in its place is at the given depth.
func (w *walker) value(n *node, depth int) *fault {
	began := w.at
	f := w.content(n, depth)
	if f == nil && w.at == began {
		if w.empty++; w.empty > maxEmpty {
			return w.fault("has too many values that take no bytes")
		}
	}
	return f
}

func (w *walker) content(n *node, depth int) *fault {
	switch n.kind {
	case nullKind:
		return nil
	case boolKind:
		if w.at < len(w.data) && w.data[w.at] > 1 {
			return w.fault("is a boolean that is neither 0 nor 1")
		}
		return w.skip(1)
	case intKind:
		i, f := w.varint()
		if f == nil && (i < math.MinInt32 || i > math.MaxInt32) {
			return w.fault("is a number that does not fit into 32 bits")
		}
		return f
	case longKind:
		_, f := w.varint()
		return f
	case floatKind:
		return w.skip(4)
	case doubleKind:
		return w.skip(8)
	case fixedKind:
		return w.skip(n.size)
	case bytesKind:
		b, f := w.bytes()
		if f == nil && n.isDecimal() && len(b) > maxDecimalBytes {
			return w.fault(fmt.Sprintf("is a decimal of more than %d bytes", maxDecimalBytes))
		}
		return f
	case stringKind:
		return w.text()
	case enumKind:
		i, f := w.varint()
		if f == nil && (i < 0 || i >= int64(len(n.symbols))) {
			return w.fault("is a symbol that its enum does not have")
		}
		return f
	case unionKind:
		branch, f := w.alternative(n)
		if f != nil {
			return f
		}
		return w.value(branch, depth)
	default:
		return w.container(n, depth)
	}
}

func (w *walker) container(n *node, depth int) *fault {
	if depth > mapping.MaxDepth {
		return &fault{deep: true}
	}
	if n.kind == recordKind {
		for i := range n.fields {
			if f := w.value(n.fields[i].node, depth+1); f != nil {
				return f.within(n.fields[i].name)
			}
		}
		return nil
	}
	return w.blocks(n, depth)
}

// blocks walks a list or a map.
func (w *walker) blocks(n *node, depth int) *fault {
	for item := 0; ; {
		count, f := w.blockCount()
		if f != nil || count == 0 {
			return f
		}
		for ; count > 0; count-- {
			if n.kind == mapKind {
				if f := w.text(); f != nil {
					return f.within("*")
				}
			}
			if f := w.value(n.items, depth+1); f != nil {
				if n.kind == mapKind {
					return f.within("*")
				}
				return f.within(fmt.Sprintf("[%d]", item))
			}
			item++
		}
	}
}

// blockCount reads how many items follow. A negative number is followed by their size.
func (w *walker) blockCount() (int64, *fault) {
	count, f := w.varint()
	if f != nil || count >= 0 {
		return count, f
	}
	if count == math.MinInt64 {
		return 0, w.fault("has a number of items that cannot be")
	}
	size, f := w.varint()
	if f == nil && (size < 0 || size > int64(len(w.data)-w.at)) {
		return 0, w.fault(endsEarly)
	}
	return -count, f
}

// text walks a string, which must be UTF-8 as all text is.
func (w *walker) text() *fault {
	b, f := w.bytes()
	if f == nil && !utf8.Valid(b) {
		return w.fault("is text that is not valid UTF-8")
	}
	return f
}

func (w *walker) bytes() ([]byte, *fault) {
	size, f := w.varint()
	if f != nil {
		return nil, f
	}
	if size < 0 {
		return nil, w.fault("has a negative length")
	}
	if size > int64(len(w.data)-w.at) {
		return nil, w.fault(endsEarly)
	}
	b := w.data[w.at : w.at+int(size)]
	w.at += int(size)
	return b, nil
}

func (w *walker) skip(n int) *fault {
	if n > len(w.data)-w.at {
		return w.fault(endsEarly)
	}
	w.at += n
	return nil
}

// varint reads a number in zigzag form.
func (w *walker) varint() (int64, *fault) {
	var u uint64
	for shift := 0; shift < 64; shift += 7 {
		if w.at >= len(w.data) {
			return 0, w.fault(endsEarly)
		}
		b := w.data[w.at]
		if shift == 63 && b > 1 {
			break
		}
		w.at++
		u |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return int64(u>>1) ^ -int64(u&1), nil
		}
	}
	return 0, w.fault("is a number that does not fit into 64 bits")
}
