package stub

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/internal/sample"
)

// MaxBody is how much of a body is read, in bytes, whatever the API takes.
const MaxBody = 1 << 20

// What an outage may ask for instead of a status.
const (
	// DropConnection resets the connection at once.
	DropConnection = -1
	// NeverAnswer holds the call until the client goes away.
	NeverAnswer = -2
)

// Desk is one stub help desk.
type Desk struct {
	cfg    Config
	api    API
	routes []Route
	log    *ledger
	dice   dice
	window window
	open   atomic.Int64
	outage atomic.Pointer[func(Call) int]
	// gateway is in front of the API, nil for none.
	gateway atomic.Pointer[Gateway]
	quirks  atomic.Pointer[Quirks]
}

func newDesk(cfg Config, api API, log *ledger) *Desk {
	d := &Desk{
		cfg: cfg, api: api, routes: api.Routes(), log: log,
		dice:   dice{seed: cfg.Seed},
		window: window{limit: cfg.Limit, size: cfg.Window, sliding: cfg.Sliding},
	}
	d.SetQuirks(cfg.Quirks)
	return d
}

// Name returns the name of the help desk.
func (d *Desk) Name() string { return d.api.Name() }

// Path returns the path at which a Server serves the help desk.
func (d *Desk) Path() string { return d.api.Path() }

// Received returns the calls in the order of their arrival.
func (d *Desk) Received() []Call { return d.log.list(d.Name()) }

// Open returns how many calls the help desk holds unanswered.
func (d *Desk) Open() int { return int(d.open.Load()) }

// SetOutage makes a function decide about every call that is authorized and within
// the limit, before it takes effect: 0 lets it pass, a status is answered with the
// API's error body, DropConnection and NeverAnswer do what they say. The function gets the
// call as it arrived and may be called concurrently. nil ends the outage. A 429 made this
// way has headers with the budget that is really left, as the vendors' limits per object do.
func (d *Desk) SetOutage(decide func(Call) int) {
	if decide == nil {
		d.outage.Store(nil)
		return
	}
	d.outage.Store(&decide)
}

func (d *Desk) reset() {
	d.outage.Store(nil)
	d.gateway.Store(nil)
	d.SetQuirks(d.cfg.Quirks)
	d.dice.reset()
	d.window.clear()
	d.api.Reset()
}

// ServeHTTP answers one call.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.open.Add(1)
	defer d.open.Add(-1)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	if err != nil && !tooLarge {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	a := d.arrive(r, body, tooLarge)
	said, fault := d.decide(w.Header(), a)
	wait := d.cfg.Latency + time.Duration(unit(Mix(a.roll+1))*float64(d.cfg.Jitter))
	stayed := sleep(r.Context(), wait)
	if said.cut {
		said.Status = 0
	}
	d.log.finish(a.call, said.Status, fault, !stayed)
	write(w, said)
}

// arrival is a call that has arrived completely.
type arrival struct {
	http  *http.Request
	route Route
	Request
	call *Call
	seen Call // call as it is at the arrival
	roll uint64
}

// arrive finds the endpoint of a call and enters the call in the ledger.
func (d *Desk) arrive(r *http.Request, body []byte, tooLarge bool) arrival {
	path := r.URL.EscapedPath()
	route, params, otherMethod := find(d.routes, r.Method, path)
	a := arrival{http: r, route: route, Request: Request{
		Op: route.op, Method: r.Method, OtherMethod: otherMethod, Params: params, Query: r.URL.Query(),
		Quirks: d.Quirks(), body: body, tooLarge: tooLarge || len(body) > d.api.MaxBody(), seed: d.cfg.Seed,
	}}
	a.Object, a.NotObject = parseObject(body)
	c := Call{
		Destination: d.Name(), Op: route.op, Method: r.Method, Path: path, Query: r.URL.RawQuery,
		User: d.api.User(a.Request), Mark: sample.FindMark(body),
	}
	if d.cfg.KeepBodies && json.Valid(body) {
		c.Body = body
	}
	a.call = d.log.add(c)
	a.seen = *a.call
	token, _ := d.token(r)
	a.UserID = d.cfg.Users[token]
	a.roll = d.dice.roll(d.Name(), r.Method, path, r.URL.RawQuery, string(body))
	return a
}

// decide returns the answer and makes the call take effect. Asked in this order: gateway,
// credentials, limit, outage, injected faults, then the API itself.
func (d *Desk) decide(h http.Header, a arrival) (Answer, Fault) {
	if g := d.gateway.Load(); g != nil {
		return g.answer(a.http.URL.Path), Outage
	}
	a.Quirks.setDate(h)
	now := time.Now()
	token, ok := d.token(a.http)
	if !ok {
		d.headers(h, a, d.window.untouched(now), now)
		return d.api.Refuse(http.StatusUnauthorized), Honest
	}
	b := d.window.take(d.api.BudgetOf(token), now)
	d.headers(h, a, b, now)
	if b.Exceeded {
		return d.api.Refuse(http.StatusTooManyRequests), Honest
	}
	if status := d.outageOf(a.seen); status != 0 {
		return d.fail(a.http.Context(), status), Outage
	}
	fault := faultOf(a.roll, d.cfg.FailRate)
	return d.suffer(a, fault), fault
}

// headers sets the rate headers of an answer, by the desk's clock.
func (d *Desk) headers(h http.Header, a arrival, b Budget, now time.Time) {
	b.Reset = b.Reset.Add(a.Quirks.ClockOffset)
	d.api.Headers(h, b, now.Add(a.Quirks.ClockOffset))
}

// suffer returns the answer to a call with a fault, or the API's own without one.
func (d *Desk) suffer(a arrival, fault Fault) Answer {
	switch fault {
	case ServerError, Unavailable:
		status, _ := strconv.Atoi(string(fault))
		return d.api.Refuse(status)
	case Silent:
		sleep(a.http.Context(), d.cfg.Silence)
		return Answer{cut: true}
	case Cut:
		return Answer{cut: true}
	case Lost:
		d.handle(a)
		return Answer{cut: true}
	default:
		return d.handle(a)
	}
}

func (d *Desk) handle(a arrival) Answer {
	switch {
	case a.tooLarge:
		return d.api.Refuse(http.StatusRequestEntityTooLarge)
	case a.route.handle == nil:
		return d.api.Unrouted(a.Request)
	}
	a.Now = a.Quirks.clock()
	return a.route.handle(a.Request)
}

// token is the bearer token, and whether it is accepted.
func (d *Desk) token(r *http.Request) (string, bool) {
	token, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !isBearer || token == "" {
		return "", false
	}
	return token, len(d.cfg.Tokens) == 0 || slices.Contains(d.cfg.Tokens, token) || d.cfg.Users[token] != 0
}

func (d *Desk) outageOf(c Call) int {
	decide := d.outage.Load()
	if decide == nil {
		return 0
	}
	return (*decide)(c)
}

// fail is the answer that an outage asked for.
func (d *Desk) fail(ctx context.Context, status int) Answer {
	if status == NeverAnswer {
		<-ctx.Done()
	}
	if status < 0 {
		return Answer{cut: true}
	}
	return d.api.Refuse(status)
}

func write(w http.ResponseWriter, a Answer) {
	if a.cut {
		cut(w)
		return
	}
	contentType := "application/json"
	if a.HTML {
		contentType = "text/html; charset=utf-8"
	}
	if len(a.Body) > 0 {
		w.Header().Set("Content-Type", contentType)
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client may have gone away
}

// cut resets the connection, so that the client sees an error and no end of a stream.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		// Not HTTP/1.1: the server ends the stream without an answer.
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the close below is a plain one
	}
	_ = conn.Close() // there is nobody to tell
}

// sleep waits, and reports whether the client is still there.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Epoch returns a moment as rate headers have it, in Unix seconds rounded up.
func Epoch(t time.Time) string { return strconv.FormatInt(t.Add(time.Second-1).Unix(), 10) }
