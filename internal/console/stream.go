package console

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/live"
	"github.com/deskstream/deskstream/internal/output"
)

// How a stream goes: rows are sent this often, and something at least so often that a connection which
// is dead is found out. A client that does not read for writeWithin has left. After streamLasts the
// browser comes again, and whoever sent the request is checked as for any other.
const (
	sendEvery   = 500 * time.Millisecond
	beatEvery   = 15 * time.Second
	writeWithin = 10 * time.Second
	streamLasts = 10 * time.Minute
)

// stream sends the outcomes that a filter picks, as they come, as server-sent events: rows (of the
// table, as HTML), left (how many outcomes were left out and not read since the last one) and fault
// (why nothing comes, or empty).
func (c *Console) stream(w http.ResponseWriter, r *http.Request) {
	if isForeign(r) {
		refuse(w, "the request comes from a web page of another origin")
		return
	}
	if _, ok := c.personOf(r); !ok {
		http.Error(w, "log in again", http.StatusUnauthorized)
		return
	}
	v, ok := c.visit(w, r)
	if !ok {
		return
	}
	f, _, err := readOutcomeFilter(r.URL.Query(), v.cfg)
	if err != nil {
		http.Error(w, output.Error(err), http.StatusBadRequest)
		return
	}
	viewer, err := c.live.Watch(f)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer viewer.Close()
	v.unmask(c)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects answers would keep the rows
	s := &streaming{visit: v, viewer: viewer, w: w, control: http.NewResponseController(w)}
	s.run()
}

// isForeign reports whether a request comes from a page of another origin. Such a page cannot read the
// answer, but it could take the place of somebody who looks.
func isForeign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "": // of a browser that does not say, or no browser
		named := r.Header.Get("Origin")
		origin, err := url.Parse(named)
		return named != "" && (err != nil || origin.Host != r.Host)
	}
	return true
}

// streaming is one stream.
type streaming struct {
	*visit

	viewer  *live.Viewer
	w       http.ResponseWriter
	control *http.ResponseController
	fault   string
	out     bytes.Buffer
}

// run sends until the client leaves, the console ends, or the person may no longer see it.
func (s *streaming) run() {
	s.out.WriteString("retry: 3000\n\n")
	tick, last := time.NewTicker(sendEvery), time.NewTimer(streamLasts)
	defer tick.Stop()
	defer last.Stop()
	for quiet := time.Duration(0); ; quiet += sendEvery {
		s.collect()
		if s.out.Len() == 0 && quiet >= beatEvery {
			s.out.WriteString(":\n\n") // a comment
		}
		if s.out.Len() > 0 {
			if quiet = 0; !s.maySend() || s.flush() != nil {
				return
			}
		}
		select {
		case <-tick.C:
		case <-last.C:
			return
		case <-s.viewer.Gone():
			return
		case <-s.Context().Done():
			return
		}
	}
}

// maySend reports whether the person may still see the stream, with personal data if that is shown.
func (s *streaming) maySend() bool {
	p, ok := s.console.personOf(s.Request)
	return ok && (!s.masker.show || s.console.maySee(p))
}

// flush sends what was collected. No deadline stays between two writes: HTTP/2 ends a stream at its
// deadline even if nothing is being written.
func (s *streaming) flush() error {
	defer s.out.Reset()
	_ = s.control.SetWriteDeadline(time.Now().Add(writeWithin)) // a recorder in a test has none
	if _, err := s.w.Write(s.out.Bytes()); err != nil {
		return err
	}
	if err := s.control.Flush(); err != nil {
		return err
	}
	_ = s.control.SetWriteDeadline(time.Time{})
	return nil
}

// collect writes what has come for the viewer.
func (s *streaming) collect() {
	b := s.viewer.Take()
	if len(b.Rows) > 0 {
		rows := make([]outcomeRow, 0, len(b.Rows))
		for i := len(b.Rows) - 1; i >= 0; i-- { // the newest first, as on the page
			rows = append(rows, s.outcomeRow(&b.Rows[i]))
		}
		var html strings.Builder
		if err := s.console.pages["outcomes"].ExecuteTemplate(&html, "outcome-rows", rows); err != nil {
			s.console.Log.Error("making rows of the live outcomes failed", "err", err)
		} else {
			s.event("rows", html.String())
		}
	}
	if b.LeftOut+b.Unread > 0 {
		s.event("left", strconv.FormatInt(b.LeftOut, 10)+" "+strconv.FormatInt(b.Unread, 10))
	}
	fault := ""
	if b.Fault != nil {
		fault = s.masker.text(output.Line(output.Error(b.Fault)))
	}
	if fault != s.fault {
		s.fault = fault
		s.event("fault", fault)
	}
}

// event writes one event. Each line of its data has a name of its own.
func (s *streaming) event(name, data string) {
	fmt.Fprintf(&s.out, "event: %s\n", name)
	for line := range strings.Lines(data) {
		s.out.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	if data == "" {
		s.out.WriteString("data:\n")
	}
	s.out.WriteString("\n")
}
