//go:build synctests

package simulation

import (
	"strconv"
	"time"
)

// takeSteps makes instances come and go.
func (w *world) takeSteps() {
	for i, st := range w.script.Steps {
		if rest := st.At - w.journal.since(); rest > 0 {
			time.Sleep(rest)
		}
		choice := w.desk.roll("step", strconv.Itoa(i))
		var in *instance
		if list := w.working(); len(list) > 0 {
			in = list[int(choice*float64(len(list)))]
		}
		w.take(st, in, choice)
	}
}

func (w *world) take(st step, in *instance, choice float64) {
	switch st.Kind {
	case join:
		if len(w.working()) < 3 {
			w.start()
			w.journal.count(join, 1)
		}
	case newLeader:
		w.broker.electLeaders()
	case discard:
		w.discardLetters()
	case recreateSource, recreateStopped:
		w.recreateSource(st.For, st.Kind == recreateStopped)
	case recreateResponses:
		w.recreateResponses(st.For)
	case recreateLetters:
		w.recreateLetters(st.For)
	case recreateStates:
		w.recreateStates(st.For)
	case foreignCheckpoint:
		list := w.working()
		for _, in := range list {
			in.kill()
		}
		w.broker.writeForeignCheckpoints(choice)
		for range max(len(list), 1) {
			w.start()
		}
	default:
		w.takeWith(st, in)
	}
}

// takeWith takes a step that happens to an instance.
func (w *world) takeWith(st step, in *instance) {
	if st.Kind == loseOutcome {
		w.broker.deleteOutcomes()
	}
	if in == nil {
		w.start()
		return
	}
	switch st.Kind {
	case leave:
		in.stop()
		w.journal.count(leave, 1)
	case restart:
		in.stop()
		w.start()
		w.journal.count(restart, 1)
	case kill:
		in.kill()
		w.start()
		w.journal.count(kill, 1)
	case loseOutcome:
		in.kill()
		w.start()
	case freeze:
		w.journal.live(in.number, -1, lifeFreeze)
		in.wire.freeze()
		time.Sleep(st.For)
		w.journal.live(in.number, -1, lifeFreeze)
		in.wire.thaw()
		w.journal.count(freeze, 1)
	case operator:
		if in.dest.Gate().Halt() != nil {
			return
		}
		w.journal.live(in.number, -1, lifeHalt)
		time.Sleep(10 * time.Second)
		w.journal.live(in.number, -1, lifeResume)
		_, _ = in.dest.Gate().Resume()
		w.journal.count(operator, 1)
	default:
	}
}
