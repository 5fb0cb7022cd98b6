//go:build synctests

package simulation

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

const (
	callTimeout = 10 * time.Second
	channelID   = "123456"
)

// helpDesk is a stub behind faults of the script.
type helpDesk struct {
	script  *script
	journal *journal
	handler http.Handler
	stub    *stub.Server

	mu       sync.Mutex
	attempts map[string]int // per call, so that a repeated one is thrown for again
	over     bool           // no fault any more
}

func newHelpDesk(s *script, j *journal) *helpDesk {
	limit := 1_000_000
	if s.Limit > 0 {
		limit = s.Limit
	}
	st := stub.New(stub.Config{Limit: limit, Sliding: true}, stubtrengo.New(map[string]string{channelID: stubtrengo.EMAIL}), stubkustomer.New())
	d := &helpDesk{script: s, journal: j, stub: st, handler: st.Desk(stubtrengo.Name), attempts: make(map[string]int)}
	if s.Desk == "kustomer" {
		d.handler = st.Desk(stubkustomer.Name)
	}
	return d
}

// faultsOver ends all faults, those of single events too.
func (d *helpDesk) faultsOver() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
}

// client is one instance's way to the help desk.
type client struct {
	desk     *helpDesk
	instance int
	dead     chan struct{} // closed when the instance is killed
}

// verdict is what the help desk does with a call.
type deskVerdict struct {
	fault  kind
	act    bool          // it takes effect
	late   time.Duration // after this time only
	status int           // of the answer; 0: the stub's own
	refuse bool          // no connection
	cut    bool          // no answer
	hang   bool          // no answer until the client goes
	html   bool          // an answer that is no JSON
	gate   bool          // the answer is the script's gateway's
	header http.Header
	holds  bool

	imitates bool // the gateway's answer looks like one of the API's own
}

// openTicket is the op of the write that is looked for.
const openTicket = "POST /tickets"

var errReset = errors.New("connection reset by peer")

// RoundTrip implements http.RoundTripper.
func (c *client) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-c.dead:
		return nil, errNetwork
	default:
	}
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	d := c.desk
	entry := d.arrive(c.instance, req, body)
	v, wait := d.decide(entry, req, body)
	if v.fault != "" {
		d.journal.count(v.fault, 1)
	}
	if v.refuse {
		d.journal.done(entry, v, 0)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if v.act && v.cut && entry.op == openTicket {
		v.late = time.Duration(d.roll("late", entry.mark, entry.begin.at.String()) * float64(callTimeout))
	}
	resp := d.answer(req, body, v)
	err := c.wait(req.Context(), wait, v)
	if err != nil {
		d.journal.done(entry, v, 0)
		return nil, err
	}
	d.journal.done(entry, v, resp.StatusCode)
	return resp, nil
}

// wait is the time until the answer; its error is why there is none.
func (c *client) wait(ctx context.Context, latency time.Duration, v deskVerdict) error {
	timer := time.NewTimer(latency)
	defer timer.Stop()
	due := timer.C
	if v.hang {
		due = nil
	}
	select {
	case <-due:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.dead:
		return errNetwork
	}
	if v.cut {
		return &net.OpError{Op: "read", Net: "tcp", Err: errReset}
	}
	return nil
}

// arrive enters the call in the journal.
func (d *helpDesk) arrive(instance int, req *http.Request, body []byte) *call {
	j := d.journal
	c := &call{instance: instance, era: j.eraOf[instance], mark: sample.FindMark(body), write: req.Method != http.MethodGet, op: opOf(req)}
	c.user = userOf(req)
	contact := contactOf(req, body)
	j.mu.Lock()
	defer j.mu.Unlock()
	if s := j.byMark[c.mark]; s != nil {
		c.user = s.user
		j.contacts[contact] = s.user
	} else if contact != "" {
		c.user = j.contacts[contact]
	}
	c.begin = j.now()
	j.calls = append(j.calls, c)
	return c
}

// opOf is the method and the path with its ids taken out.
func opOf(req *http.Request) string {
	parts := strings.Split(req.URL.Path, "/")
	for i, p := range parts {
		if key, _, ok := strings.Cut(p, "="); ok {
			parts[i] = key
		} else if strings.ContainsAny(p, "0123456789") && p != "v1" {
			parts[i] = "{id}"
		}
	}
	return req.Method + " " + strings.Join(parts, "/")
}

// contactOf is the contact whose ticket is opened or looked for, "" for none.
func contactOf(req *http.Request, body []byte) string {
	if req.URL.Path != "/tickets" {
		return ""
	}
	var ticket struct {
		Contact json.Number `json:"contact_id"`
	}
	_ = json.Unmarshal(body, &ticket) // a lookup has none
	return cmp.Or(ticket.Contact.String(), req.URL.Query().Get("contact_id"))
}

// userOf is the user whom a lookup is about: all are called userNN, by address or id.
func userOf(req *http.Request) string {
	text := req.URL.Path + "?" + req.URL.Query().Get("term")
	if i := strings.Index(text, "user"); i >= 0 && len(text) >= i+6 {
		return text[i : i+6]
	}
	return ""
}

// roll gives a number from 0 up to 1 to each attempt at a call, the same for a seed.
func (d *helpDesk) roll(salt string, parts ...string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strconv.FormatUint(d.script.Seed, 10) + salt + strings.Join(parts, "\x00")))
	n := h.Sum64()
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return float64((n^n>>31)>>11) / (1 << 53)
}

// windowed are the faults in the order in which one covers another.
var windowed = []struct {
	kind    kind
	verdict deskVerdict
	writes  bool // of writes only
}{
	{gatewayAnswers, deskVerdict{gate: true}, false},
	{connRefused, deskVerdict{refuse: true, holds: true}, false},
	{unauthorized, deskVerdict{status: 401, holds: true}, false},
	{noRights, deskVerdict{status: 403, holds: true}, true},
	{overQuota, deskVerdict{status: 429, header: http.Header{"Retry-After": {"3"}}, holds: true}, false},
	{objectQuota, deskVerdict{status: 429, header: http.Header{"X-Ratelimit-Remaining": {"500"}}}, true},
	{rejectsAll, deskVerdict{status: 400}, true},
	{serverError, deskVerdict{status: 503}, false},
	{requestTime, deskVerdict{status: 408}, false},
	{lostAnswer, deskVerdict{act: true, cut: true}, true},
	{resetCall, deskVerdict{cut: true}, false},
	{silent, deskVerdict{act: true, hang: true}, true},
	{nonsense, deskVerdict{act: true, html: true}, true},
}

func (d *helpDesk) decide(c *call, req *http.Request, body []byte) (deskVerdict, time.Duration) {
	d.mu.Lock()
	key := req.Method + req.URL.String() + string(body)
	d.attempts[key]++
	attempt := strconv.Itoa(d.attempts[key])
	over := d.over
	d.mu.Unlock()
	j := d.journal
	j.mu.Lock()
	src := j.byMark[c.mark]
	j.mu.Unlock()
	now := c.begin.at
	wait := time.Duration(d.roll("latency", key, attempt) * float64(2*d.script.Latency))
	if !over && d.script.active(slow, now) > d.roll("slow", key, attempt) {
		j.count(slow, 1)
		wait = 2*time.Second + time.Duration(d.roll("slowness", key, attempt)*float64(5*time.Second))
	}
	if src != nil && c.write && src.Want == wantRefused {
		return deskVerdict{fault: refusedEvent, status: 400}, wait
	}
	if !over {
		for _, w := range windowed {
			if w.writes && !c.write {
				continue
			}
			if d.script.active(w.kind, now) > d.roll(string(w.kind), key, attempt) {
				v := w.verdict
				v.fault, v.imitates = w.kind, d.script.Gateway.Imitates
				return v, wait
			}
		}
		if src != nil && c.write && src.Want == wantPoison {
			return deskVerdict{fault: poisonedEvent, status: 500}, wait
		}
		if src != nil && c.write && src.Want == wantForbidden {
			return deskVerdict{fault: poisonedEvent, status: 403, holds: true}, wait
		}
	}
	return deskVerdict{act: true}, wait
}

// answer makes the call take effect, if it does, and gives the answer.
func (d *helpDesk) answer(req *http.Request, body []byte, v deskVerdict) *http.Response {
	rec := httptest.NewRecorder()
	if v.act {
		inner := req.Clone(context.WithoutCancel(req.Context()))
		inner.Body = io.NopCloser(bytes.NewReader(body))
		if v.late > 0 {
			time.AfterFunc(v.late, func() { d.handler.ServeHTTP(httptest.NewRecorder(), inner) })
		} else {
			d.handler.ServeHTTP(rec, inner)
		}
	}
	switch {
	case v.gate:
		d.script.Gateway.ServeHTTP(rec, req)
	case v.html:
		rec = httptest.NewRecorder()
		rec.WriteHeader(http.StatusOK)
		_, _ = rec.WriteString("<html>welcome</html>")
	case v.status != 0:
		rec = httptest.NewRecorder()
		maps.Copy(rec.Header(), v.header)
		rec.WriteHeader(v.status)
		_ = json.NewEncoder(rec).Encode(map[string]string{"message": "no"})
	}
	resp := rec.Result()
	resp.Request = req
	return resp
}

// done enters the end of a call as its client sees it.
func (j *journal) done(c *call, v deskVerdict, status int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c.end = j.now()
	c.status, c.fault, c.acted = status, v.fault, v.act
	judged := status >= 400 && status < 500 && status != 401 && status != 403 && status != 408 && status != 425 && status != 429
	c.usable = !v.html && status != 0 && (status < 300 || judged) && (!v.gate || v.imitates)
	c.holds = v.holds && (status != 0 || v.refuse)
	if c.acted && c.write && status >= 400 {
		c.acted = false // the stub refused it
	}
}
