package sink

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// Header is the header of an answer. An http.Header is one.
type Header interface {
	// Get is the first value under the name, in any case, without outer blanks; "" for none.
	Get(name string) string
}

// plainHeader is the header of a plain answer: one of HTTP/1.1 with a known length, without
// compression, on a connection that stays. net/http makes a map of every header, which is a
// twentieth of an event's processor time (docs/performance.md); it still reads whatever is
// not plain.
type plainHeader struct {
	status int
	length int64
	lines  string
}

// Get makes a plainHeader a Header.
func (h *plainHeader) Get(name string) string {
	for line := range strings.SplitSeq(h.lines, "\r\n") {
		if key, value, _ := strings.Cut(line, ":"); strings.EqualFold(key, name) {
			return textproto.TrimString(value)
		}
	}
	return ""
}

// plain reads an answer whose header is plain and has come whole, false for any other: of
// that nothing is read. The error is one of reading the body.
func (c *conn) plain() (reply Reply, ok bool, err error) {
	come, _ := c.reader.Peek(c.reader.Buffered()) // no more, so there is no error
	end := bytes.Index(come, []byte("\r\n\r\n"))
	if end < 0 {
		return Reply{}, false, nil
	}
	h, ok := readPlain(string(come[:end]))
	if !ok {
		return Reply{}, false, nil
	}
	_, _ = c.reader.Discard(end + len("\r\n\r\n")) // it is there
	c.room = math.MaxInt64
	body := make([]byte, h.length)
	n, err := io.ReadFull(c.reader, body)
	reply = Reply{Status: h.status, Header: h, Body: body[:n]}
	reply.parse()
	return reply, true, err
}

// readPlain reads a header without its last line end: RFC 9112, sections 4 and 5.
func readPlain(text string) (*plainHeader, bool) {
	first, lines, _ := strings.Cut(text, "\r\n")
	h := &plainHeader{length: -1, lines: lines}
	version, rest, _ := strings.Cut(first, " ")
	code, _, _ := strings.Cut(rest, " ")
	var err error
	if h.status, err = strconv.Atoi(code); err != nil || len(code) != 3 || version != "HTTP/1.1" || !printable(first) {
		return nil, false
	}
	if h.status < http.StatusOK || h.status == http.StatusNoContent || h.status == http.StatusNotModified {
		return nil, false
	}
	for line := range strings.SplitSeq(lines, "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isFieldName(name) || !printable(value) || !h.takes(name, textproto.TrimString(value)) {
			return nil, false
		}
	}
	return h, h.length >= 0
}

// takes reports whether a header with that field may be plain.
func (h *plainHeader) takes(name, value string) bool {
	switch {
	case strings.EqualFold(name, "Content-Length"):
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || h.length >= 0 || n > MaxBody {
			return false
		}
		h.length = int64(n)
		return true
	case strings.EqualFold(name, "Connection"):
		return strings.EqualFold(value, "keep-alive")
	default:
		return !strings.EqualFold(name, "Transfer-Encoding") && !strings.EqualFold(name, "Content-Encoding") && !strings.EqualFold(name, "Trailer")
	}
}

// isFieldName reports whether a name has only such letters as all fields in use have.
func isFieldName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return name != ""
}

// printable reports whether a text has no control characters but tabs, line ends among them.
func printable(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7F {
			return false
		}
	}
	return true
}
