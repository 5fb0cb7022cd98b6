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
	later   later
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

// LateEffects returns how many writes wait to take effect; see Quirks.LateEffects.
func (d *Desk) LateEffects() int { return int(d.later.pending.Load()) }

func (d *Desk) reset() {
	d.later.cancel(false)
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
	switch {
	case said.pending && stayed:
		said = d.handle(a)
	case said.pending:
		said, fault = d.lose(a)
	}
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

// isWrite reports whether a call is one that quirks may hide the effect of.
func (a arrival) isWrite() bool { return a.Method != http.MethodGet }

// hasLateEffect reports whether a call takes effect late if it gets no answer.
func (a arrival) hasLateEffect() bool { return a.isWrite() && a.Quirks.LateEffects > 0 }

// arrive finds the endpoint of a call and enters the call in the ledger.
func (d *Desk) arrive(r *http.Request, body []byte, tooLarge bool) arrival {
	path := r.URL.EscapedPath()
	route, params, otherMethod := find(d.routes, r.Method, path)
	a := arrival{http: r, route: route, Request: Request{
		Op: route.op, Method: r.Method, OtherMethod: otherMethod, Params: params, Query: r.URL.Query(),
		Quirks: d.Quirks(), body: body, tooLarge: tooLarge || len(body) > d.api.MaxBody(), seed: d.cfg.Seed,
	}}
	a.Object, a.NotObject = parseObject(body)
	a.Array = parseArray(body)
	c := Call{
		Destination: d.Name(), Op: route.op, Method: r.Method, Path: path, Query: r.URL.RawQuery,
		User: d.api.User(a.Request), Mark: sample.FindMark(body),
	}
	if d.cfg.KeepBodies && json.Valid(body) {
		c.Body = body
	}
	a.call = d.log.add(c)
	a.seen = *a.call
	a.Seq, a.Mark = a.seen.Seq, a.seen.Mark
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
		return d.fail(a, status)
	}
	fault := faultOf(a.roll, d.cfg.FailRate)
	if fault == Honest && a.isWrite() {
		fault = a.Quirks.faultOf(a.roll)
	}
	return d.suffer(a, fault)
}

// headers sets the rate headers of an answer, by the desk's clock.
func (d *Desk) headers(h http.Header, a arrival, b Budget, now time.Time) {
	b.Reset = b.Reset.Add(a.Quirks.ClockOffset)
	d.api.Headers(h, b, now.Add(a.Quirks.ClockOffset))
}

func (d *Desk) handle(a arrival) Answer {
	switch {
	case a.tooLarge:
		return d.api.Refuse(http.StatusRequestEntityTooLarge)
	case a.route.handle == nil:
		return d.api.Unrouted(a.Request)
	}
	a.Now = a.Quirks.Clock()
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
