package stub

import "strconv"

// What an outage may ask for instead of a status.
const (
	// DropConnection resets the connection at once.
	DropConnection = -1
	// NeverAnswer holds the call until the client goes away. It never takes effect.
	NeverAnswer = -2
	// LoseAnswer makes the call take effect and resets the connection instead of an answer.
	LoseAnswer = -3
	// HoldAnswer makes the call take effect and holds it until the client goes away. With
	// Quirks.LateEffects a write takes effect after that.
	HoldAnswer = -4
)

// SetOutage makes a function decide about every call that is authorized and within
// the limit, before it takes effect: 0 lets it pass, a status is answered with the
// API's error body, DropConnection, NeverAnswer, LoseAnswer and HoldAnswer do what they
// say. The function gets the call as it arrived and may be called concurrently. nil ends the
// outage. A 429 made this way has headers with the budget that is really left, as the
// vendors' limits per object do.
func (d *Desk) SetOutage(decide func(Call) int) {
	if decide == nil {
		d.outage.Store(nil)
		return
	}
	d.outage.Store(&decide)
}

func (d *Desk) outageOf(c Call) int {
	decide := d.outage.Load()
	if decide == nil {
		return 0
	}
	return (*decide)(c)
}

// fail is the answer that an outage asked for.
func (d *Desk) fail(a arrival, status int) (Answer, Fault) {
	gone := a.http.Context().Done()
	switch {
	case status == LoseAnswer:
		return d.lose(a)
	case status == HoldAnswer && a.hasLateEffect():
		<-gone
		return d.lose(a)
	case status == HoldAnswer:
		said, fault := d.lose(a)
		<-gone
		return said, fault
	case status == NeverAnswer:
		<-gone
	}
	if status < 0 {
		return Answer{cut: true}, Outage
	}
	return d.api.Refuse(status), Outage
}

// suffer returns the answer to a call with a fault, or the API's own without one.
func (d *Desk) suffer(a arrival, fault Fault) (Answer, Fault) {
	switch fault {
	case ServerError, Unavailable:
		status, _ := strconv.Atoi(string(fault))
		return d.api.Refuse(status), fault
	case Silent:
		sleep(a.http.Context(), d.cfg.Silence)
		return Answer{cut: true}, fault
	case Cut:
		return Answer{cut: true}, fault
	case Lost:
		return d.lose(a)
	case LateAnswer:
		said := d.handle(a)
		sleep(a.http.Context(), d.cfg.Silence)
		return said, fault
	default:
		if a.hasLateEffect() {
			return Answer{pending: true}, fault
		}
		return d.handle(a), fault
	}
}

// lose makes a call take effect, now or after its connection has ended, without an answer.
func (d *Desk) lose(a arrival) (Answer, Fault) {
	if a.hasLateEffect() {
		d.later.do(a.Quirks.lateness(a.roll), func() { d.handle(a) })
		return Answer{cut: true}, LateEffect
	}
	d.handle(a)
	return Answer{cut: true}, Lost
}
