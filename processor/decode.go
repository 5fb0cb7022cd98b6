package processor

// decodeRest asks for the decoders of a partition's records, one after the other, until
// none waits or the partition is taken away. What waits then is open as any record is.
func (p *Processor) decodeRest(part *partition) {
	for r := p.book.firstUndecoded(part); r != nil; r = p.book.firstUndecoded(part) {
		if r.decoder == nil {
			decoder, err := p.cfg.Decoders.Find(part.stop.Soft, r.Record)
			if err != nil {
				return
			}
			r.decoder = decoder
		}
		p.book.decoded(part, r)
	}
}
