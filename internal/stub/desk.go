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

// readLimit is how much of a body is read, in bytes, whatever the API takes.
const readLimit = 1 << 20

// What an outage may ask for instead of a status.
const (
	// DropConnection resets the connection at once.
	DropConnection = -1
	// NeverAnswer holds the call until the client goes away.
	NeverAnswer = -2
)

// api is what differs between the help desks.
type api interface {
	name() string
	routes() []route
	// maxBody is the largest body that the API takes, in bytes.
	maxBody() int
	// refuse is the API's own answer for a status that is no matter of one endpoint.
	refuse(status int) answer
	// unrouted is the answer to a call that is no endpoint's.
	unrouted(request) answer
	// budgetOf names the budget that the calls of a token are counted in.
	budgetOf(token string) string
	// headers sets the rate headers of an answer.
	headers(h http.Header, b budget, now time.Time)
	// user is the identifier of the person whom a request is about.
	user(request) string
	// stats counts what the help desk holds.
	stats() map[string]int
	reset()
}

// Desk is one stub help desk.
type Desk struct {
	cfg    Config
	api    api
	table  []route
	log    *ledger
	dice   dice
	window window
	open   atomic.Int64
	outage atomic.Pointer[func(Call) int]
}

func newDesk(cfg Config, api api, log *ledger) *Desk {
	return &Desk{
		cfg: cfg, api: api, table: api.routes(), log: log,
		dice:   dice{seed: cfg.Seed},
		window: window{limit: cfg.Limit, size: cfg.Window, sliding: cfg.Sliding},
	}
}

// Received lists the calls in the order of their arrival.
func (d *Desk) Received() []Call { return d.log.list(d.api.name()) }

// Open is how many calls the help desk holds unanswered.
func (d *Desk) Open() int { return int(d.open.Load()) }

// SetOutage makes a function decide about every call that is authorized and within
// the limit, before it takes effect: 0 lets it pass, a status is answered with the
// API's error body, DropConnection and NeverAnswer do what they say. It sees the call
// as it arrived and may be called concurrently. nil ends the outage. A 429 made this way
// shows the budget that is really left, as the vendors' limits per object do.
func (d *Desk) SetOutage(decide func(Call) int) {
	if decide == nil {
		d.outage.Store(nil)
		return
	}
	d.outage.Store(&decide)
}

func (d *Desk) reset() {
	d.outage.Store(nil)
	d.dice.reset()
	d.window.clear()
	d.api.reset()
}

// ServeHTTP answers one call.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.open.Add(1)
	defer d.open.Add(-1)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, readLimit))
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	if err != nil && !tooLarge {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	route, params, otherMethod := find(d.table, r.Method, r.URL.EscapedPath())
	req := request{
		op: route.op, method: r.Method, otherMethod: otherMethod, params: params, query: r.URL.Query(),
		body: body, tooLarge: tooLarge || len(body) > d.api.maxBody(),
	}
	req.object, req.notObject = parseObject(body)
	call := d.arrived(r, req)
	roll := d.dice.roll(d.api.name(), r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body))

	a, fault := d.decide(w.Header(), r, req, route, *call, roll)
	wait := d.cfg.Latency + time.Duration(unit(mix(roll+1))*float64(d.cfg.Jitter))
	stayed := sleep(r.Context(), wait)
	if a.cut {
		a.status = 0
	}
	d.log.finish(call, a.status, fault, !stayed)
	d.write(w, a)
}

// arrived enters the call in the ledger.
func (d *Desk) arrived(r *http.Request, req request) *Call {
	c := Call{
		Destination: d.api.name(), Op: req.op, Method: r.Method,
		Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
		User: d.api.user(req), Mark: sample.FindMark(req.body),
	}
	if d.cfg.KeepBodies && json.Valid(req.body) {
		c.Body = req.body
	}
	return d.log.add(c)
}

// decide finds the answer and makes the call take effect: credentials, limit, outage,
// made-up faults, then the API itself.
func (d *Desk) decide(h http.Header, r *http.Request, req request, route route, call Call, roll uint64) (answer, Fault) {
	now := time.Now()
	token, ok := d.token(r)
	if !ok {
		d.api.headers(h, d.window.untouched(now), now)
		return d.api.refuse(http.StatusUnauthorized), Honest
	}
	b := d.window.take(d.api.budgetOf(token), now)
	d.api.headers(h, b, now)
	if b.exceeded {
		return d.api.refuse(http.StatusTooManyRequests), Honest
	}
	if status := d.outageOf(call); status != 0 {
		return d.fail(r.Context(), status), Outage
	}
	switch fault := faultOf(roll, d.cfg.FailRate); fault {
	case ServerError, Unavailable:
		status, _ := strconv.Atoi(string(fault))
		return d.api.refuse(status), fault
	case Cut:
		return answer{cut: true}, fault
	case Silent:
		sleep(r.Context(), d.cfg.Silence)
		return answer{cut: true}, fault
	case Lost:
		d.handle(req, route)
		return answer{cut: true}, fault
	default:
		return d.handle(req, route), Honest
	}
}

func (d *Desk) handle(req request, route route) answer {
	switch {
	case req.tooLarge:
		return d.api.refuse(http.StatusRequestEntityTooLarge)
	case route.handle == nil:
		return d.api.unrouted(req)
	}
	return route.handle(req)
}

// token is the bearer token, and whether it is accepted.
func (d *Desk) token(r *http.Request) (string, bool) {
	token, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !isBearer || token == "" {
		return "", false
	}
	return token, len(d.cfg.Tokens) == 0 || slices.Contains(d.cfg.Tokens, token)
}

func (d *Desk) outageOf(c Call) int {
	decide := d.outage.Load()
	if decide == nil {
		return 0
	}
	return (*decide)(c)
}

// fail is the answer that an outage asked for.
func (d *Desk) fail(ctx context.Context, status int) answer {
	if status == NeverAnswer {
		<-ctx.Done()
	}
	if status < 0 {
		return answer{cut: true}
	}
	return d.api.refuse(status)
}

func (d *Desk) write(w http.ResponseWriter, a answer) {
	if a.cut {
		cut(w)
		return
	}
	contentType := "application/json"
	if a.html {
		contentType = "text/html; charset=utf-8"
	}
	if len(a.body) > 0 {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away is its own business
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

// epoch is a moment as rate headers give it, in Unix seconds rounded up.
func epoch(t time.Time) string { return strconv.FormatInt(t.Add(time.Second-1).Unix(), 10) }
