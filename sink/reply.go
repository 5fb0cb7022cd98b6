package sink

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// MaxBody is how many bytes of a response's body are read. A longer one is cut and so
// malformed: no response that a help desk documents comes near it, other than pages of lists. Of
// these MaxLarge bytes are read.
const (
	MaxBody  = 1 << 20
	MaxLarge = 16 << 20
)

// Reply is a help desk's response to a call.
type Reply struct {
	Status int
	Header http.Header
	// Body is at most MaxBody bytes of the response's body, MaxLarge for a Call that is Large.
	Body []byte
	// Cut marks a Body that is only the beginning: it was longer, or could not be read to its end.
	Cut bool
	// Planned marks the stand-in for the response to a write that plan does not send:
	// status 0 and no body.
	Planned bool

	parsed *mapping.Value // what JSON returns, once it is known
}

// OK reports whether the status is 2xx.
func (r Reply) OK() bool { return r.Status >= 200 && r.Status < 300 }

// JSON is the body as a JSON value, absent if it is empty or no JSON.
func (r Reply) JSON() mapping.Value {
	if r.parsed != nil {
		return *r.parsed
	}
	// A byte-order mark may be ignored: RFC 8259, section 8.1.
	v, err := mapping.ParseJSON(bytes.TrimPrefix(r.Body, []byte("\uFEFF")))
	if err != nil {
		return mapping.Value{}
	}
	return v
}

// parse does once what JSON would do each time.
func (r *Reply) parse() {
	parsed := r.JSON()
	r.parsed = &parsed
}

var errStatus = errors.New("the response has a status that is none")

// replyOf reads a response. The error is one of its status, or of reading the body of a 2xx:
// of any other status the beginning is enough. most is how many bytes of the body are read.
func replyOf(resp *http.Response, most int) (Reply, error) {
	reply := Reply{Status: resp.StatusCode, Header: resp.Header}
	if reply.Status < 100 || reply.Status > 999 { // net/http takes 000 and +20, and in HTTP/2 any number
		return Reply{}, errStatus
	}
	if reply.Status == http.StatusSwitchingProtocols {
		return reply, nil // what follows is no body, and no timeout of net/http ends it
	}
	if err := reply.read(resp, most); err != nil {
		reply.Cut = true
		if reply.OK() {
			return Reply{}, err
		}
	}
	return reply, nil
}

// read reads the body, most bytes of it. A body that is not read to its end takes its
// connection with it.
func (r *Reply) read(resp *http.Response, most int) (err error) {
	body, encoded := decoded(resp, 2*most)
	if n := resp.ContentLength; n > 0 && n <= int64(most) && !encoded {
		r.Body = make([]byte, n)
		n, err := io.ReadFull(body, r.Body)
		r.Body = r.Body[:n]
		r.parse()
		return err
	}
	r.Body, err = io.ReadAll(io.LimitReader(body, int64(most)+1))
	r.Cut = len(r.Body) > most
	r.Body = r.Body[:min(len(r.Body), most)]
	r.parse()
	return err
}

// maxCodings is how often a body may be compressed: by the API, and once more by a proxy.
const maxCodings = 2

// decoded is a response's body without the compression that was offered, and whether there
// was any. One that was compressed more often than maxCodings stays as it is. Of a compressed body
// maxCoded bytes are read: incompressible data grows by far less than twice, and a small body can
// be decompressed to one of any length, or of nothing at all for hours.
func decoded(resp *http.Response, maxCoded int) (body io.Reader, encoded bool) {
	codings := strings.Join(resp.Header.Values("Content-Encoding"), ",")
	if codings == "" {
		return resp.Body, false
	}
	body = resp.Body
	undone := 0
	// Of several codings the last was applied last. x-gzip is gzip: RFC 9110, 8.4.1.3.
	for _, coding := range slices.Backward(strings.Split(codings, ",")) {
		if coding = strings.ToLower(strings.TrimSpace(coding)); coding != "gzip" && coding != "x-gzip" {
			continue
		}
		if undone++; undone > maxCodings {
			return resp.Body, true
		}
		body = &gunzipped{from: io.LimitReader(body, int64(maxCoded))}
	}
	return body, true
}

// gunzipped reads the gzip header with the first byte, so that nonsense is a body that
// cannot be read.
type gunzipped struct {
	from io.Reader
	gzip *gzip.Reader
}

func (g *gunzipped) Read(p []byte) (int, error) {
	if g.gzip == nil {
		var err error
		if g.gzip, err = gzip.NewReader(g.from); err != nil {
			return 0, err
		}
	}
	return g.gzip.Read(p)
}
