package topics

import (
	"bytes"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// LedgerEntry says which record of the source an outcome settled.
type LedgerEntry struct {
	Group     string
	Topic     string
	Partition int32
	Offset    int64
	// Epoch is the leader epoch of the source record, -1 if the broker had none.
	Epoch       int32
	Destination string
	Outcome     sink.Disposition
	// Round is 0 for a live delivery.
	Round int
}

// ParseEntry reads from a record of the responses topic what it settled. ok is false
// for a record that is not one of ours: a header is missing, there twice or not in
// the form that Write gives it. The value is not looked at.
func ParseEntry(rec *kgo.Record) (entry LedgerEntry, ok bool) {
	var group, source, epoch, destination, outcome, round []byte
	for _, h := range rec.Headers {
		var field *[]byte
		switch h.Key {
		case headerGroup:
			field = &group
		case headerSource:
			field = &source
		case headerEpoch:
			field = &epoch
		case headerDestination:
			field = &destination
		case headerOutcome:
			field = &outcome
		case headerRound:
			field = &round
		default:
			continue
		}
		if *field != nil || len(h.Value) == 0 {
			return LedgerEntry{}, false
		}
		*field = h.Value
	}
	if group == nil || destination == nil || !disposition(outcome) {
		return LedgerEntry{}, false
	}
	topic, partition, offset, ok := splitCoordinates(source)
	e, okEpoch := number(epoch, 32, -1)
	r, okRound := number(round, 32, 0)
	if !ok || !okEpoch || !okRound {
		return LedgerEntry{}, false
	}
	return LedgerEntry{
		Group: string(group), Topic: string(topic), Partition: partition, Offset: offset,
		Epoch: int32(e), Destination: string(destination), Outcome: sink.Disposition(outcome), Round: int(r),
	}, true
}

func disposition(text []byte) bool {
	switch sink.Disposition(text) {
	case sink.Delivered, sink.Skipped, sink.Dead:
		return true
	default:
		return false
	}
}

// splitCoordinates parts "topic/partition/offset" from the right.
func splitCoordinates(text []byte) (topic []byte, partition int32, offset int64, ok bool) {
	i := bytes.LastIndexByte(text, '/')
	if i < 0 {
		return nil, 0, 0, false
	}
	j := bytes.LastIndexByte(text[:i], '/')
	if j <= 0 {
		return nil, 0, 0, false
	}
	p, okPartition := number(text[j+1:i], 32, 0)
	offset, okOffset := number(text[i+1:], 64, 0)
	return text[:j], int32(p), offset, okPartition && okOffset
}

// number reads a decimal number as strconv writes it, and no other spelling.
func number(text []byte, bits int, least int64) (int64, bool) {
	n, err := strconv.ParseInt(string(text), 10, bits)
	if err != nil || n < least {
		return 0, false
	}
	var again [20]byte
	return n, bytes.Equal(strconv.AppendInt(again[:0], n, 10), text)
}
