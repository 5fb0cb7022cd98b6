package sink

import "github.com/deskstream/deskstream/mapping"

// doing is what a session does or waits for.
type doing uint32

const (
	begins doing = iota
	awaitsPlace
	awaitsBudget
	awaitsGroup
	awaitsLookup
	backsOff
	calls
)

// BackOff is what Session.Doing says of an event whose call failed and will be made again.
const BackOff = "back_off"

var doings = map[doing]string{
	begins: "mapping", awaitsPlace: "place", awaitsBudget: "budget", awaitsGroup: "group",
	awaitsLookup: "lookup", backsOff: BackOff, calls: "call",
}

func (s *Session) does(d doing) { s.doing.Store(uint32(d)) }

// Doing tells what the session's event waits for at this moment: mapping, place, budget,
// group (no call may begin), lookup (of another event), back_off or call (its answer). code is that
// of its latest failed attempt, "" for none. It may be asked from any goroutine.
func (s *Session) Doing() (what string, code mapping.Code) {
	if c := s.fault.Load(); c != nil {
		code = *c
	}
	return doings[doing(s.doing.Load())], code
}
