package export

import (
	"hash/fnv"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping/unified"
)

// The headers of an object's record.
const (
	// headerModel is a digest of the object without its original, which may have members that
	// change all the time.
	headerModel = "deskstream.model"
	// headerParent is the id of the object below whose own list it is.
	headerParent = "deskstream.parent"
)

// fact is what is remembered of an object on its topic: digests of it, whole and without the
// original, and the object that it is below.
type fact struct {
	whole, model uint64
	parent       string
}

// known is what a topic holds, by id. It takes about 100 bytes an object.
type known map[string]fact

// take takes in a record, in the order of its partition.
func (k known) take(r *kgo.Record) {
	if len(r.Value) == 0 {
		delete(k, string(r.Key))
		return
	}
	f := fact{whole: digest(r.Value)}
	for _, h := range r.Headers {
		switch h.Key {
		case headerModel:
			f.model, _ = strconv.ParseUint(string(h.Value), 16, 64)
		case headerParent:
			f.parent = string(h.Value)
		}
	}
	k[string(r.Key)] = f
}

func digest(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b) // a hash's Write never fails
	return h.Sum64()
}

// object is an object as it goes to its topic.
type object struct {
	unified.Object
	id    string
	value []byte
	fact
}

// newObject encodes an object that is below parent, "" for none.
func newObject(o unified.Object, parent string) (object, error) {
	value, err := unified.Encode(o)
	if err != nil {
		return object{}, err
	}
	raw := o.Head().Raw
	o.Head().Raw = nil
	model, err := unified.Encode(o)
	o.Head().Raw = raw
	return object{Object: o, id: o.Head().ID, value: value, fact: fact{whole: digest(value), model: digest(model), parent: parent}}, err
}

func (o object) headers() []kgo.RecordHeader {
	list := []kgo.RecordHeader{{Key: headerModel, Value: strconv.AppendUint(nil, o.model, 16)}}
	if o.parent != "" {
		list = append(list, kgo.RecordHeader{Key: headerParent, Value: []byte(o.parent)})
	}
	return list
}
