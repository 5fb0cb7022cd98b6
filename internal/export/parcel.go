package export

import (
	"context"
	"time"

	"github.com/deskstream/deskstream/desk"
)

// A parcel is written when it has so many bytes of values, or is so old. A walk that ends in between
// reads the lists below its objects again.
const (
	parcelBytes = 1 << 20
	parcelAge   = time.Second
)

// parcel is what is written at once of a page: objects, and what is below them.
type parcel struct {
	walk    *listWalk
	objects []object
	below   []parcelBelow
	bytes   int
	began   time.Time
}

// parcelBelow are objects of one list below others.
type parcelBelow struct {
	list    desk.List
	objects []object
	has     map[string]uint64 // digests by id: pages that shift have an object twice
}

// add adds an object of the walked list. All that is below it has to be in the parcel or written.
func (p *parcel) add(o object) {
	p.objects = append(p.objects, o)
	p.grow(o)
}

// addBelow adds an object of a list below.
func (p *parcel) addBelow(l desk.List, o object) {
	b := p.of(l)
	if digest, there := b.has[o.id]; there && digest == o.whole {
		return
	}
	b.has[o.id] = o.whole
	b.objects = append(b.objects, o)
	p.grow(o)
}

func (p *parcel) of(l desk.List) *parcelBelow {
	for i := range p.below {
		if p.below[i].list.Entity == l.Entity {
			return &p.below[i]
		}
	}
	p.below = append(p.below, parcelBelow{list: l, has: make(map[string]uint64)})
	return &p.below[len(p.below)-1]
}

func (p *parcel) grow(o object) {
	if p.bytes == 0 {
		p.began = time.Now()
	}
	p.bytes += len(o.value)
}

func (p *parcel) isFull() bool { return p.bytes >= parcelBytes }

// isDue reports whether the parcel is to be written although more of the page follows.
func (p *parcel) isDue() bool {
	return p.isFull() || p.bytes > 0 && time.Since(p.began) >= parcelAge
}

// write writes what is below objects, then the objects, and empties the parcel.
func (p *parcel) write(ctx context.Context) error {
	for _, b := range p.below {
		if err := p.walk.write(ctx, b.list, b.objects); err != nil {
			return err
		}
	}
	err := p.walk.write(ctx, p.walk.list, p.objects)
	p.objects, p.below, p.bytes = nil, nil, 0
	return err
}

// keep writes the parcel although the walk ends, so that the next one need not read again what is in
// it. If that takes too long, it does.
func (p *parcel) keep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parcelAge)
	defer cancel()
	if err := p.write(ctx); err != nil {
		p.walk.log.Warn("lists that were read are read again by the next walk", "entity", p.walk.list.Entity, "err", err)
	}
}
