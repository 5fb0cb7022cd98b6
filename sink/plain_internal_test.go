package sink

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// plainly reads an answer, false for one that is left to net/http.
func plainly(t testing.TB, answer string) (Reply, bool, error) {
	t.Helper()
	c := &conn{reader: bufio.NewReader(strings.NewReader(answer))}
	_, _ = c.reader.Peek(1) // where there is nothing, nothing is plain
	before := c.reader.Buffered()
	reply, ok, err := c.plain()
	if !ok && c.reader.Buffered() != before {
		t.Errorf("%d bytes of an answer that is not plain are gone", before-c.reader.Buffered())
	}
	return reply, ok, err
}

// agrees fails unless net/http reads a plain answer as it was read, in body and every field.
func agrees(t *testing.T, answer string, got Reply, err error) {
	t.Helper()
	resp, fault := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if fault != nil {
		t.Fatalf("read as plain, but to net/http it is no answer: %v", fault)
	}
	body, fault := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != got.Status || resp.Close || !bytes.Equal(body, got.Body) || (fault == nil) != (err == nil) {
		t.Errorf("read as %d %q, %v; by net/http as %d %q, %v, its last: %v", got.Status, got.Body, err, resp.StatusCode, body, fault, resp.Close)
	}
	for name := range resp.Header {
		have, want := got.Header.Get(name), resp.Header.Get(name)
		if made := have == "" && name == "Cache-Control"; have != want && !made { // net/http makes it of Pragma
			t.Errorf("%s = %q, by net/http %q", name, have, want)
		}
	}
}

// long is an answer of a length that is on the border of what is read.
func long(n string, body int) string {
	return "HTTP/1.1 200 OK\r\nContent-Length: " + n + "\r\n\r\n" + strings.Repeat("x", body)
}

func TestPlain(t *testing.T) {
	for name, answer := range map[string]string{
		"as a server of Go writes it": "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nDate: Sat, 28 Nov 2026 12:00:00 GMT\r\nContent-Length: 8\r\n\r\n{\"a\": 1}",
		"that stays":                  "HTTP/1.1 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 0\r\n\r\n",
		"with limits":                 "HTTP/1.1 429 Too Many Requests\r\nX-RateLimit-Limit: 100\r\nx-ratelimit-remaining:0\r\nX-RateLimit-Reset:  1795867200\t\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}",
		"of a refusal":                "HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 17\r\n\r\n{\"message\":\"no\"}\n",
		"with a field twice":          "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\n{}",
		"without a reason":            "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
		"with an empty field":         "HTTP/1.1 200 OK\r\nX-Empty:\r\nContent-Length: 2\r\n\r\n{}",
		"with colons in a field":      "HTTP/1.1 302 Found\r\nLocation: https://desk.example/a:b\r\nContent-Length: 0\r\n\r\n",
		"and another behind it":       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n",
		"the longest":                 long("1048576", MaxBody),
		"cut short":                   long("8", 3),
		"cut before its body":         long("8", 0),
	} {
		t.Run(name, func(t *testing.T) {
			got, ok, err := plainly(t, answer)
			if !ok {
				t.Fatal("it is plain, and was left to net/http")
			}
			agrees(t, answer, got, err)
		})
	}
}

// What net/http reads in another way than a plain answer, or not at all, is left to it.
func TestPlain_isNothingElse(t *testing.T) {
	for name, answer := range map[string]string{
		"no length":              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end",
		"no field":               "HTTP/1.1 200 OK\r\n\r\n",
		"chunks":                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"chunks and a length":    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"a blank in a name":      "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}",
		"compression":            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
		"the last":               "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
		"the last in a list":     "HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\n{}",
		"another protocol":       "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 0\r\n\r\n",
		"one before the last":    "HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"never a body":           "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
		"not changed":            "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n{}",
		"two lengths":            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"a length of no digits":  long("+2", 2),
		"a list of lengths":      long("2, 2", 2),
		"no length in its field": long("", 2),
		"too long":               long("1048577", 10),
		"a length beyond all":    long("99999999999999999999", 10),
		"an older protocol":      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"a status of no digits":  "HTTP/1.1 +20 OK\r\nContent-Length: 2\r\n\r\n{}",
		"a long status":          "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}",
		"a folded line":          "HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
		"bare line ends":         "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}\r\n\r\n",
		"a bare line end":        "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
		"no colon":               "HTTP/1.1 200 OK\r\nX-Empty\r\nContent-Length: 2\r\n\r\n{}",
		"a header still to come": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
		"no HTTP":                "SSH-2.0-OpenSSH_9.9\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok, _ := plainly(t, answer); ok {
				t.Errorf("read as plain: %d %q", got.Status, got.Body)
			}
		})
	}
}

// FuzzPlain holds what is read as plain against net/http.
func FuzzPlain(f *testing.F) {
	f.Add("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nX-RateLimit-Remaining: 7\r\nContent-Length: 2\r\n\r\n{}")
	f.Add("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nPragma: no-cache\r\nContent-Length: 4\r\n\r\nnullmore")
	f.Add("HTTP/1.1 429 \r\nRetry-After: 1\r\nRetry-After: 2\r\nContent-Length: 9\r\n\r\n{}")
	f.Fuzz(func(t *testing.T, answer string) {
		if got, ok, err := plainly(t, answer); ok {
			agrees(t, answer, got, err)
		}
	})
}
