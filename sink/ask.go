package sink

import "context"

// Ask makes a lookup that belongs to no event, and waits, backs off and repeats as for one: for a
// place at the gate, for the rate budget, through holds. Its errors are a *Failure, ErrInterrupted
// when ctx ends, or a hold.Error.
func (d *Destination) Ask(ctx context.Context, call Call) (Reply, error) {
	pass, err := d.gate.Enter(ctx, "")
	if err != nil {
		return Reply{}, interrupted(err)
	}
	s := d.Session(pass, Stop{Soft: ctx, Hard: ctx})
	s.begin(ctx)
	defer s.doer.done()
	return s.doer.Do(ctx, call)
}
