package processor

import (
	"github.com/deskstream/deskstream/mapping"
)

// decode finds what reads a record, which its lane depends on. If that has to be asked
// for, the record and all that come after it in its partition wait, so that the order
// within lanes holds, and the partition is not fetched meanwhile.
func (p *Processor) decode(part *partition, r *record) {
	r.decoder = mapping.JSON
	known := true
	if p.cfg.Decoders != nil && r.Value != nil {
		r.decoder, known = p.cfg.Decoders.Known(r.Record)
	}
	if known && len(part.undecoded) == 0 {
		p.enqueue(part, r)
		return
	}
	part.undecoded = append(part.undecoded, r)
	if len(part.undecoded) == 1 {
		p.client.PauseFetchPartitions(map[string][]int32{part.topic: {part.id}})
		p.claims.Go(func() { p.decodeRest(part) })
	}
}

// decodeRest asks for the decoders of a partition's records, one after the other, until
// none waits or the partition is taken away. What waits then is open as any record is.
func (p *Processor) decodeRest(part *partition) {
	for r := p.firstUndecoded(part); r != nil; r = p.firstUndecoded(part) {
		if r.decoder == nil {
			decoder, err := p.cfg.Decoders.Find(part.stop.Soft, r.Record)
			if err != nil {
				return
			}
			r.decoder = decoder
		}
		p.decoded(part, r)
	}
}

func (p *Processor) firstUndecoded(part *partition) *record {
	p.mu.Lock()
	defer p.mu.Unlock()
	if part.phase != active || len(part.undecoded) == 0 {
		return nil
	}
	return part.undecoded[0]
}

// decoded moves the first record that waited to its lane.
func (p *Processor) decoded(part *partition, r *record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if part.phase != active {
		return
	}
	part.undecoded = part.undecoded[1:]
	p.enqueue(part, r)
	if len(part.undecoded) > 0 {
		return
	}
	part.undecoded = nil
	p.resume(part)
}

// resume fetches a partition again unless something else keeps it paused.
func (p *Processor) resume(part *partition) {
	if !part.spanPaused && len(part.undecoded) == 0 {
		p.client.ResumeFetchPartitions(map[string][]int32{part.topic: {part.id}})
	}
}
