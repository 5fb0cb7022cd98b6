package sink

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

func compressed(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// forever repeats bytes without an end, and counts what is read of them.
type forever struct {
	bytes []byte
	read  int
}

func (f *forever) Read(p []byte) (int, error) {
	n := copy(p, f.bytes[f.read%len(f.bytes):])
	f.read += n
	return n, nil
}

func encoded(body io.Reader, codings ...string) (Reply, error) {
	return replyOf(&http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Encoding": codings}, ContentLength: -1, Body: io.NopCloser(body)}, MaxBody)
}

// A compressed body may contain nothing and still be of any length.
func TestReplyOf_readsALimitedPartOfACompressedBody(t *testing.T) {
	body := &forever{bytes: compressed(t, nil)}
	if reply, err := encoded(body, "gzip"); err == nil {
		t.Errorf("reply = %+v, want an error", reply)
	}
	if body.read > 2*MaxBody {
		t.Errorf("%d bytes were read, want at most %d", body.read, 2*MaxBody)
	}
}

// The inner compression of a body can be that long though the body itself is small.
func TestReplyOf_readsALimitedPartOfWhatACompressedBodyContains(t *testing.T) {
	inner := bytes.Repeat(compressed(t, nil), 8*MaxBody/len(compressed(t, nil)))
	body := compressed(t, inner)
	if len(body) > MaxBody {
		t.Fatalf("the body has %d bytes", len(body))
	}
	if reply, err := encoded(bytes.NewReader(body), "gzip, gzip"); err == nil {
		t.Errorf("reply = %+v, want an error", reply)
	}
}

func TestReplyOf_undoesAFewCodings(t *testing.T) {
	for codings, want := range map[string]bool{
		"gzip": true, "gzip|gzip": true, "gzip, x-gzip": true, "identity, gzip": true,
		"gzip, gzip, gzip": false, "gzip|gzip, gzip": false, strings.Repeat("gzip, ", 30): false,
	} {
		body := []byte("{}")
		for range strings.Count(codings, "gzip") {
			if body = compressed(t, body); len(body) > MaxBody {
				break
			}
		}
		reply, err := encoded(bytes.NewReader(body), strings.Split(codings, "|")...)
		if got := string(reply.Body) == "{}"; err != nil || got != want {
			t.Errorf("%.30q: decompressed %v, %v, want %v", codings, got, err, want)
		}
	}
}

// net/http takes any number of an HTTP/2 host for a status.
func TestReplyOf_aStatusHasThreeDigits(t *testing.T) {
	for status, want := range map[int]bool{-7: false, 0: false, 1: false, 20: false, 99: false, 100: true, 200: true, 999: true, 1000: false, 99999: false} {
		_, err := replyOf(&http.Response{StatusCode: status, Body: http.NoBody}, MaxBody)
		if got := err == nil; got != want {
			t.Errorf("status %d: %v, want it taken %v", status, err, want)
		}
	}
}
