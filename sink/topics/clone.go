package topics

import "github.com/twmb/franz-go/pkg/kgo"

// CloneRecord returns a copy of a fetched record that does not keep its batch in memory: a
// fetched record's bytes are slices of its whole batch. The texts are not, and are shared.
func CloneRecord(r *kgo.Record) *kgo.Record {
	size := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		size += len(h.Value)
	}
	buf := make([]byte, 0, size)
	keep := func(b []byte) []byte {
		if b == nil {
			return nil // a null value is a tombstone, an empty one is not
		}
		from := len(buf)
		buf = append(buf, b...)
		return buf[from:len(buf):len(buf)]
	}
	c := *r
	c.Key, c.Value = keep(r.Key), keep(r.Value)
	if r.Headers != nil {
		c.Headers = make([]kgo.RecordHeader, len(r.Headers))
		for i, h := range r.Headers {
			c.Headers[i] = kgo.RecordHeader{Key: h.Key, Value: keep(h.Value)}
		}
	}
	return &c
}
