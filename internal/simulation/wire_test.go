//go:build synctests

package simulation

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var errNetwork = errors.New("the network is down")

// wire is one instance's network to Kafka. It can be cut, frozen, and it is listened
// to: what the instance sends to its group's coordinator, and what the answers are.
type wire struct {
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	journal  *journal
	instance int

	mu     sync.Mutex
	gone   bool
	thawed chan struct{} // closed when it is not frozen
	conns  map[*tapped]bool
}

func newWire(dial func(context.Context, string, string) (net.Conn, error), j *journal, instance int) *wire {
	thawed := make(chan struct{})
	close(thawed)
	return &wire{dial: dial, journal: j, instance: instance, thawed: thawed, conns: make(map[*tapped]bool)}
}

// Dial is for kgo.Dialer.
func (w *wire) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	thawed, gone := w.thawed, w.gone
	w.mu.Unlock()
	if gone {
		return nil, errNetwork
	}
	select {
	case <-thawed:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	conn, err := w.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	t := &tapped{Conn: conn, wire: w, closed: make(chan struct{}), asked: make(map[int32]asked)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		_ = conn.Close()
		return nil, errNetwork
	}
	w.conns[t] = true
	return t, nil
}

// cut takes the network away permanently.
func (w *wire) cut() {
	w.mu.Lock()
	w.gone = true
	w.mu.Unlock()
	w.drop()
}

// drop ends all connections of now and returns how many.
func (w *wire) drop() int {
	w.mu.Lock()
	var conns []*tapped
	for c := range w.conns {
		conns = append(conns, c)
	}
	w.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
	return len(conns)
}

// freeze stops all traffic, without an error, until thaw.
func (w *wire) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.thawed = make(chan struct{})
}

func (w *wire) thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.thawed:
	default:
		close(w.thawed)
	}
}

// tapped is a connection that is listened to.
type tapped struct {
	net.Conn
	wire   *wire
	once   sync.Once
	closed chan struct{}

	mu    sync.Mutex
	asked map[int32]asked // by correlation id
	in    []byte          // of an answer that is not complete
}

// asked is a request that waits for its answer.
type asked struct {
	key     kmsg.Key
	version int16
	sent    time.Duration
	commits []*committed
}

func (t *tapped) Close() error {
	t.once.Do(func() {
		close(t.closed)
		t.wire.mu.Lock()
		delete(t.wire.conns, t)
		t.wire.mu.Unlock()
	})
	return t.Conn.Close()
}

// pass waits while the network is frozen.
func (t *tapped) pass() error {
	t.wire.mu.Lock()
	thawed := t.wire.thawed
	t.wire.mu.Unlock()
	select {
	case <-thawed:
		return nil
	case <-t.closed:
		return net.ErrClosed
	}
}

// latency is the way to a broker, and back.
const latency = time.Millisecond

func (t *tapped) Write(b []byte) (int, error) {
	t.hear(b)
	time.Sleep(latency)
	if err := t.pass(); err != nil {
		return 0, err
	}
	return t.Conn.Write(b)
}

func (t *tapped) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 {
		if err := t.pass(); err != nil {
			return 0, err
		}
		t.answered(b[:n])
	}
	return n, err
}

func listened(key kmsg.Key) bool {
	switch key {
	case kmsg.OffsetCommit, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat:
		return true
	default:
		return false
	}
}

// hear takes in a request, which the client writes at once: its size, key, version,
// correlation id, client id, and from version to version a tag section.
func (t *tapped) hear(b []byte) {
	if len(b) < 14 {
		return
	}
	key, version := kmsg.Key(int16(binary.BigEndian.Uint16(b[4:]))), int16(binary.BigEndian.Uint16(b[6:]))
	if !listened(key) {
		return
	}
	id := int32(binary.BigEndian.Uint32(b[8:]))
	a := asked{key: key, version: version, sent: t.wire.journal.since()}
	if key == kmsg.OffsetCommit {
		req := kmsg.NewPtrOffsetCommitRequest()
		req.SetVersion(version)
		body := b[14+int(int16(binary.BigEndian.Uint16(b[12:]))):]
		if req.IsFlexible() {
			body = body[1:] // no tags
		}
		if err := req.ReadFrom(body); err == nil {
			a.commits = t.wire.journal.commitSent(t.wire.instance, req)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked[id] = a
}

// answered takes in a piece of the answers.
func (t *tapped) answered(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.in = append(t.in, b...)
	for len(t.in) >= 8 {
		size := 4 + int(binary.BigEndian.Uint32(t.in))
		if len(t.in) < size {
			return
		}
		id := int32(binary.BigEndian.Uint32(t.in[4:]))
		if a, ok := t.asked[id]; ok {
			delete(t.asked, id)
			t.take(a, t.in[8:size])
		}
		t.in = t.in[size:]
	}
}

func (t *tapped) take(a asked, body []byte) {
	req := kmsg.RequestForKey(int16(a.key))
	req.SetVersion(a.version)
	resp := req.ResponseKind()
	if resp.IsFlexible() {
		body = body[1:] // no tags
	}
	if resp.ReadFrom(body) != nil {
		return
	}
	code := int16(0)
	switch resp := resp.(type) {
	case *kmsg.OffsetCommitResponse:
		t.wire.journal.commitAnswered(a.commits, resp)
		return
	case *kmsg.JoinGroupResponse:
		code = resp.ErrorCode
	case *kmsg.SyncGroupResponse:
		code = resp.ErrorCode
	case *kmsg.HeartbeatResponse:
		code = resp.ErrorCode
	case *kmsg.ConsumerGroupHeartbeatResponse:
		code = resp.ErrorCode
	}
	if code == 0 {
		t.wire.journal.good(t.wire.instance, a.sent)
	}
}

func (j *journal) commitSent(instance int, req *kmsg.OffsetCommitRequest) []*committed {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []*committed
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			c := &committed{stamp: j.now(), instance: instance, partition: p.Partition, offset: p.Offset, era: j.eraOf[instance], ledger: -1, code: -1}
			if p.Metadata != nil && *p.Metadata != "" { // without, it is where the group starts
				c.checkpoint = *p.Metadata
				c.era, c.ledger = j.eraOfCheckpoint(c.checkpoint), j.ledgerOfCheckpoint(c.checkpoint)
			}
			list = append(list, c)
		}
	}
	j.commits = append(j.commits, list...)
	return list
}

func (j *journal) committedOutside(partition int32, offset int64, checkpoint string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.outside = append(j.outside, &committed{
		stamp: j.now(), instance: -1, partition: partition, offset: offset, checkpoint: checkpoint,
		era: j.eraOfCheckpoint(checkpoint), ledger: j.ledgerOfCheckpoint(checkpoint),
	})
}

func (j *journal) commitAnswered(list []*committed, resp *kmsg.OffsetCommitResponse) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			for _, c := range list {
				if c.partition == p.Partition {
					c.answered, c.code = j.now(), p.ErrorCode
				}
			}
		}
	}
}
