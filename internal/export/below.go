package export

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping/unified"
)

// mostAhead is how many lists below objects are read at once, besides delivery.max_in_flight: so that
// the desk's latency does not keep a walk from using its part of the rate limit. That many pages are in
// memory.
const mostAhead = 8

// below are the lists below the objects of a page, in the order of the objects. Their first pages are
// read ahead, since nearly all have only one.
type below struct {
	lists []belowList
	stop  func()
	next  func() (desk.Page, error) // the first page of the next list
}

// belowList is a list below an object.
type belowList struct {
	source

	parent string
}

// readBelow begins to read the lists below objects: of those that have changed, and lists that are read
// always.
func (lw *listWalk) readBelow(ctx context.Context, list []found) (*below, error) {
	b := &below{}
	for _, o := range list {
		for _, l := range lw.below {
			if !o.changed && (!l.Always || !lw.state.Full) {
				continue
			}
			classes, err := lw.classesOf(ctx, l)
			if err != nil {
				return nil, err
			}
			for _, class := range classes {
				b.lists = append(b.lists, belowList{sourceOf(l, o.id, class), o.id})
			}
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	type read struct {
		page desk.Page
		err  error
	}
	var begun []chan read
	all := b.lists
	begin := func() {
		if len(begun) == len(all) {
			return
		}
		s, done := all[len(begun)].source, make(chan read, 1)
		begun = append(begun, done)
		group.Go(func() {
			page, err := lw.page(ctx, s, 1)
			done <- read{page, err}
		})
	}
	for range mostAhead {
		begin()
	}
	taken := 0
	b.next = func() (desk.Page, error) {
		r := <-begun[taken]
		taken++
		begin()
		return r.page, r.err
	}
	b.stop = func() {
		cancel()
		group.Wait()
	}
	return b, nil
}

// takeBelow puts what has changed in the lists below an object into the parcel.
func (lw *listWalk) takeBelow(ctx context.Context, p *parcel, b *below, o found) error {
	for len(b.lists) > 0 && b.lists[0].parent == o.id {
		l := b.lists[0]
		b.lists = b.lists[1:]
		page, err := b.next()
		for number := 1; ; {
			if refused, ok := errors.AsType[*refusedError](err); ok && refused.status == http.StatusNotFound {
				break // it was deleted or merged meanwhile
			}
			if err != nil {
				return err
			}
			if err := lw.takePageBelow(ctx, p, l, page); err != nil {
				return err
			}
			if !page.More || len(page.Entries) == 0 {
				break
			}
			number++
			page, err = lw.page(ctx, l.source, number)
		}
	}
	return nil
}

func (lw *listWalk) takePageBelow(ctx context.Context, p *parcel, l belowList, page desk.Page) error {
	for _, entry := range page.Entries {
		read, err := lw.read(l.Entity, entry)
		if err != nil {
			lw.unreadable++
			continue
		}
		complete(read, lw.list.Entity, l.parent)
		o, err := newObject(read, l.parent)
		if err != nil {
			lw.unreadable++
			continue
		}
		if lw.known[l.Entity][o.id].whole != o.whole {
			p.addBelow(l.List, o)
		}
	}
	if p.isFull() {
		return p.write(ctx)
	}
	return nil
}

// complete gives an object the id of what it is below, where the entry of the list has none.
func complete(o unified.Object, above unified.Entity, id string) {
	switch o := o.(type) {
	case *unified.Comment:
		if above == unified.Tickets && o.TicketID == "" {
			o.TicketID = id
		}
	case *unified.Custom:
		if above == unified.Contacts && o.ContactID == "" {
			o.ContactID = id
		}
	}
}

// classesOf are the classes of which a list is asked for, "" for one that has none.
func (lw *listWalk) classesOf(ctx context.Context, l desk.List) ([]string, error) {
	if l.Classes == nil {
		return []string{""}, nil
	}
	return lw.classes(ctx, *l.Classes)
}

// classes are the names of the classes that a desk has, read once a walk.
func (lw *listWalk) classes(ctx context.Context, l desk.List) ([]string, error) {
	if lw.classNames != nil {
		return lw.classNames, nil
	}
	names := []string{}
	s := sourceOf(l, "", "")
	for number, more := 1, true; more; number++ {
		page, err := lw.page(ctx, s, number)
		if err != nil {
			return nil, err
		}
		for _, entry := range page.Entries {
			if name := unified.Text(entry.Get("attributes"), "name"); name != "" {
				names = append(names, name)
			}
		}
		more = page.More && len(page.Entries) > 0
	}
	lw.classNames = names
	return names, nil
}
