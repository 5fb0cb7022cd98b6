package sink

import (
	"context"
	"errors"
)

// inTheDark is what becomes of an event whose blind write another process may have sent: the
// *Failure, or nil where it is to be sent again.
func (o *once) inTheDark() error {
	o.withdraw()
	if o.dest.Unknown == UnknownRetried && !o.effect.Call.Own {
		return nil
	}
	err := &Failure{
		Stage: StageRequest, Class: Unknown, Code: Connection,
		Message: "the process that was about to send it ended before it had an answer, and the API cannot be asked whether it took effect",
	}
	o.fails(err)
	return err
}

// left takes in that a blind write ended with an error. Who goes on with the event must not take
// the write for one of which nobody knows: a dead event is sent again only if its owner says so, and
// one that was interrupted before the write went out has to be.
func (o *once) left(ctx context.Context, err error) error {
	if _, dead := errors.AsType[*Failure](err); dead {
		o.withdraw()
		return err
	}
	if o.sent || o.announced == nil {
		return err
	}
	o.withdraw()
	if o.ledger != nil {
		o.behind = true // so that a stop lets it
		if o.putOnRecord(ctx) == nil {
			o.behind = false
		}
	}
	return err
}

// prepare makes the lookups that the write's mark needs.
func (o *once) prepare(ctx context.Context) error {
	if o.effect.Blind {
		return nil
	}
	return o.effect.Prepare(ctx)
}
