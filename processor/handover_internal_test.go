package processor

import (
	"fmt"
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// BenchmarkHandOver takes a record in, finds its lane, starts it, settles it and asks for
// the offset to commit, with 1,000 other lanes open.
func BenchmarkHandOver(b *testing.B) {
	b.ReportAllocs()
	p, part := alone(Limits{Span: math.MaxInt64})
	offset := int64(0)
	takeIn := func() {
		p.book.takeInRecord(part, &kgo.Record{
			Topic: "events", Offset: offset, Key: []byte("k"),
			Value: fmt.Appendf(nil, `{"type":"track","userId":"user-%04d","event":"Product Purchased","properties":{"orderNo":%d}}`, offset%5000, offset),
		})
		offset++
	}
	for range 1000 {
		takeIn()
	}
	outcome := sink.Outcome{Outcome: sink.Delivered}
	for b.Loop() {
		takeIn()
		l, err := p.nextLane(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		r := p.book.start(l)
		p.settled(&settling{lane: l, rec: r, entry: topics.Entry{Outcome: &outcome}}, offset, nil)
		if at, _ := part.commitPoint(); at.Offset != r.Offset+1 {
			b.Fatalf("offset to commit is %d behind %d", at.Offset, r.Offset)
		}
	}
}
