package sink

import "time"

// Given answers the lookup of a URL in place of the help desk, for people who try their rules. It
// returns false for a URL that it does not know.
type Given func(url string) (status int, body []byte, known bool)

// Answer has a planned session take the answers of lookups from given, where it knows them.
func (s *Session) Answer(given Given) { s.looks.given = given }

// answer is what a lookup is answered without asking the help desk, false for one that is not given.
func (s *planner) answer(call Call, url string) (Reply, bool, error) {
	if !call.Lookup || s.looks.given == nil {
		return Reply{}, false, nil
	}
	status, body, known := s.looks.given(url)
	if !known {
		return Reply{}, false, nil
	}
	reply := Reply{Status: status, Body: body}
	j := judge(call, reply, nil, time.Now())
	if j.verdict == accepted {
		return reply, true, nil
	}
	return Reply{}, true, s.failure(call, j, classOf(j))
}

// classOf is how an event dies of a lookup that a plan makes once.
func classOf(j judgement) Class {
	if j.verdict == refusedForGood {
		return Rejected
	}
	return Exhausted
}
