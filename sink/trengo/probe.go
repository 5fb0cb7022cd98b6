package trengo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// kind is one sort of thing for which Trengo has no key: when nobody knows whether one was made,
// it is looked for.
type kind struct {
	id   string // its name in a Receipt
	list string // the member of an answer that holds the things
	// page asks for a page of those among which the one of a mark is, the newest first unless all
	// are on one page.
	page func(by sink.Mark, n int) sink.Call
	// fits reports whether a thing of a list can be the one of a mark, and whether it must be. What
	// the list leaves out does not count.
	fits func(row mapping.Value, by sink.Mark) (can, must bool)
	// lasts says that the list is there whatever happened: a refusal is a passing failure. Else it
	// says that the thing cannot be looked for.
	lasts bool
}

// probe makes one thing of a kind, and finds it again: of those that a list shows it is one with
// an id above all that were known before, of the same maker, that fits, and that no other event
// has made. Of several it is the oldest. Times say nothing: they carry no zone, and differ by
// field. DESIGN: Probes.
type probe struct {
	*kind
	made   *sink.Made
	finds  *sink.IDs // shares look-ups
	do     sink.Doer
	ref    string    // of the step
	by     sink.Mark // what the thing is known by, besides its id
	like   string    // what it has in common with those that might be taken for it
	newest sink.Call // asks for what is there before, to know the highest id
	fresh  bool      // nothing can be there before: what it is added to was made by this event

	sent func() // ends what began when it was about to be sent; nil if it is not
}

// markFloor is the member of a mark that says that nothing that was there before has a higher id.
const markFloor = "floor"

// effect is the step of a name that makes the thing with a call.
func (p *probe) effect(step string, call sink.Call) sink.Effect {
	call.Unrepeatable = true
	return sink.Effect{Step: step, Call: call, Prepare: p.prepare, Mark: p.mark, Find: p.find, IDs: p.ids}
}

// prepare looks up what is there where nothing of the kind is known yet, as in a process that has
// just begun: once for all events that begin with it.
func (p *probe) prepare(ctx context.Context) error {
	if p.known() {
		return nil
	}
	_, _, err := p.finds.Find(ctx, p.do, "\x00newest\x00"+p.id, func(ctx context.Context) (string, error) {
		if p.known() { // since another look-up ended
			return "", nil
		}
		call := p.newest
		call.Optional, call.Patient = true, true
		reply, err := p.do.Do(ctx, call)
		if err != nil || !reply.OK() || reply.JSON().Get(p.list).Kind() != mapping.Array {
			return "", err
		}
		p.made.Seen(0)
		for _, row := range reply.JSON().Get(p.list).Members() {
			p.seen(row.Value)
		}
		return "", nil
	})
	return err
}

// known reports whether a thing of the kind is known, or that there is none, or that none need be.
func (p *probe) known() bool {
	_, known := p.made.Floor()
	return known || p.fresh
}

// mark is what the thing is known by. As long as nothing of its kind is known it cannot be looked
// for.
func (p *probe) mark() sink.Mark {
	if p.sent == nil {
		p.sent = p.made.Send(p.like)
	}
	floor, _ := p.made.Floor()
	if !p.known() {
		return nil
	}
	mark := maps.Clone(p.by)
	mark[markFloor] = strconv.FormatInt(floor, 10)
	return mark
}

// seen takes in the id of a thing that is there, 0 for what has none that is a number.
func (p *probe) seen(row mapping.Value) int64 {
	id, err := strconv.ParseInt(contactID(row), 10, 64)
	if err != nil {
		return 0
	}
	p.made.Seen(id)
	return id
}

// ids takes in the response that says that the thing was made.
func (p *probe) ids(reply sink.Reply) map[string]string {
	body := reply.JSON()
	if wrapped := body.Get("message"); wrapped.Kind() == mapping.Object {
		body = wrapped
	}
	p.made.SetMaker(maker(body))
	if id := p.seen(body); id != 0 {
		p.made.Take(id, p.ref)
	}
	if id := contactID(body); id != "" {
		return map[string]string{p.id: id}
	}
	return nil
}

// maker is the id of the user who made a thing, "" for an unknown one.
func maker(row mapping.Value) string {
	if id := scalar(row.Get("user_id")); id != "" {
		return id
	}
	return scalar(row.Get("user", "id"))
}

// end is called when nothing is sent for the thing any more.
func (p *probe) end() {
	if p.sent != nil {
		p.sent()
		p.sent = nil
	}
}

// find looks for the thing, page by page as long as a page holds one that was made since.
func (p *probe) find(ctx context.Context, mark sink.Mark) (sink.Sighting, error) {
	p.end()
	floor, ok := floorOf(mark)
	if !ok {
		return sink.Sighting{Refused: true}, nil // of a version that marks it otherwise
	}
	var found int64
	for page := 1; page <= maxPages; page++ {
		body, there, err := p.look(ctx, p.page(mark, page))
		if err != nil || !there {
			return sink.Sighting{Refused: !there}, err
		}
		since := false
		for _, row := range body.Get(p.list).Members() {
			id := p.seen(row.Value)
			since = since || id > floor
			if id <= floor || p.made.Taken(id, p.ref) {
				continue
			}
			can, must := p.fits(row.Value, mark)
			if must {
				p.made.Take(id, p.ref)
				return p.sighting(id), nil
			}
			if can && p.isOurs(row.Value) && (found == 0 || id < found) {
				found = id
			}
		}
		if !since || body.Get("links", "next").Str() == "" {
			break
		}
	}
	switch {
	case found == 0:
		return sink.Sighting{}, nil
	case p.made.Sending(p.like) || !p.made.Take(found, p.ref):
		return sink.Sighting{Unsure: true}, nil
	}
	return p.sighting(found), nil
}

func (p *probe) sighting(id int64) sink.Sighting {
	return sink.Sighting{IDs: map[string]string{p.id: strconv.FormatInt(id, 10)}}
}

// isOurs reports whether the user that the token belongs to can have made a thing.
func (p *probe) isOurs(row mapping.Value) bool {
	ours, by := p.made.Maker(), maker(row)
	return ours == "" || by == "" || by == ours
}

// floorOf is the highest id that was known when a thing was announced.
func floorOf(mark sink.Mark) (int64, bool) {
	floor, err := strconv.ParseInt(mark[markFloor], 10, 64)
	return floor, err == nil
}

// look asks for a page of a list. there is false if what the thing was added to is gone, or
// shows none.
func (p *probe) look(ctx context.Context, call sink.Call) (body mapping.Value, there bool, err error) {
	call.Patient, call.Answers = true, listRefusals
	for {
		reply, err := p.do.Do(ctx, call)
		if err != nil {
			return mapping.Value{}, false, err
		}
		body, there := reply.JSON(), reply.OK() && reply.JSON().Get(p.list).Kind() == mapping.Array
		if there || !p.lasts {
			return body, there, nil
		}
		if err := p.do.CountFailure(ctx, call, reply); err != nil {
			return mapping.Value{}, false, err
		}
	}
}

// listRefusals are the statuses with which an API refuses a list for good.
var listRefusals = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusUnprocessableEntity}

// digest is a digest of a text as it is compared: trimmed, with blanks joined.
func digest(text string) string {
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(text), " ")))
	return hex.EncodeToString(sum[:16])
}
