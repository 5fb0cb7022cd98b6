package sink

import (
	"context"

	"github.com/deskstream/deskstream/sink/hold"
)

// putBack makes it a carrier. An event that is put back has forgotten its calls when it
// returns true, and its turn has come again: the others have had theirs.
func (s *retrier) putBack(ctx context.Context, o *Outcome) (bool, error) {
	panicked := o.Error != nil && o.Error.Code == Panic
	if !s.reachedAPI() && !panicked {
		unmapped := o.Error != nil && o.Error.Class == Invalid && (o.Error.Stage == StageDecode || o.Error.Stage == StageMap)
		if !unmapped || !s.pass.Mapped(false) {
			return false, nil
		}
		return s.again(ctx)
	}
	_ = s.pass.Mapped(true) // it is not put back for that
	rejected := panicked || o.Error != nil && o.Error.Class == Rejected
	if rejected && s.several {
		if !s.pass.RejectedForSeveral() {
			return false, nil
		}
	} else if !s.pass.Judged(rejected) {
		return false, nil
	}
	return s.again(ctx)
}

// again forgets the calls of an event that a hold of the breaker puts back, and waits for its turn.
func (s *retrier) again(ctx context.Context) (bool, error) {
	if s.pass.Alone() && !s.saidAlone {
		s.saidAlone = true
		s.dest.log.Warn("only one lane waits and its event is refused: resume the destination by hand when the cause is removed", "hold", hold.TooManyRejected)
	}
	s.calls, s.steps, s.proof, s.failures, s.limited = nil, nil, proof{}, 0, 0
	s.does(awaitsPlace)
	return true, s.wait(ctx, s.pass.Return)
}
