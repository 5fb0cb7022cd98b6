package receive

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink/traces"
)

// visit is one request, and memory that serves the next one too: most of what a webhook takes is used
// until its event is acknowledged, and no longer.
type visit struct {
	body   []byte
	began  time.Time
	parent traces.Parent
	room   unified.Room
	event  unified.Event // read in room
	key    []byte
	record kgo.Record
}

// visits are those that have ended. The zero value is ready.
type visits struct{ pool sync.Pool }

func (p *visits) begin() *visit {
	if v, ok := p.pool.Get().(*visit); ok {
		return v
	}
	return new(visit)
}

// end gives back a visit of which nobody uses anything any more.
func (p *visits) end(v *visit) {
	v.room.Clear()
	v.body, v.parent, v.event, v.record = nil, traces.Parent{}, unified.Event{}, kgo.Record{}
	p.pool.Put(v)
}

// recorded is the record of the event. The next call makes it another one.
func (v *visit) recorded() (*kgo.Record, error) {
	value, err := v.room.EncodeEvent(&v.event)
	if err != nil {
		return nil, err
	}
	v.key = v.event.AppendKey(v.key[:0])
	v.record = kgo.Record{Key: v.key, Value: value, Headers: v.headers()}
	return &v.record, nil
}

// headers are those of the event's record.
func (v *visit) headers() []kgo.RecordHeader {
	if v.parent == (traces.Parent{}) {
		return nil
	}
	list := []kgo.RecordHeader{{Key: traces.HeaderParent, Value: []byte(v.parent.Traceparent)}}
	if v.parent.Tracestate != "" {
		list = append(list, kgo.RecordHeader{Key: traces.HeaderState, Value: []byte(v.parent.Tracestate)})
	}
	return list
}
