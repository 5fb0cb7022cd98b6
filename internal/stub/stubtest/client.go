// Package stubtest gives tests a stub server and a client of it.
package stubtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
)

// Client calls a server under test.
type Client struct {
	T      *testing.T
	Server *stub.Server
	URL    string
}

// Serve serves desks until the test ends.
func Serve(t *testing.T, cfg stub.Config, apis ...stub.API) *Client {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s := stub.New(cfg, apis...)
	ts := httptest.NewServer(s)
	t.Cleanup(s.Close)
	t.Cleanup(ts.Close)
	return &Client{T: t, Server: s, URL: ts.URL}
}

// Reply is what came back of a call.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// JSON decodes the body, numbers by their literal.
func (r Reply) JSON(t *testing.T) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(r.Body))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		t.Fatalf("the body is no JSON object: %v: %s", err, r.Body)
	}
	return m
}

// Try makes a call with a token, none for "", and returns what came back.
func (c *Client) Try(token, method, path, body string) (Reply, error) {
	c.T.Helper()
	req, err := http.NewRequestWithContext(c.T.Context(), method, c.URL+path, strings.NewReader(body))
	if err != nil {
		c.T.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	// A transport of its own: a shared one repeats a GET whose connection was cut.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return Reply{}, err
	}
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // the body was read, nothing can be lost
	return Reply{Status: resp.StatusCode, Header: resp.Header, Body: string(data)}, err
}

// Call is Try with a token that every server accepts which is given none; an error ends
// the test.
func (c *Client) Call(method, path, body string) Reply {
	c.T.Helper()
	r, err := c.Try("secret", method, path, body)
	if err != nil {
		c.T.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// Expect checks the status of a call, and that its body has a part.
func (c *Client) Expect(t *testing.T, want Case) {
	t.Helper()
	r := c.Call(want.Method, want.Path, want.Body)
	if r.Status != want.Status || !strings.Contains(r.Body, want.Part) {
		t.Errorf("%s %s %.200s: got %d %s, want %d with %s", want.Method, want.Path, want.Body, r.Status, r.Body, want.Status, want.Part)
	}
}

// Case is a call, and what its answer must be.
type Case struct {
	Name, Method, Path, Body string
	Status                   int
	Part                     string // of the body
}

// Must returns the decoded body of a reply that must have the status.
func Must(t *testing.T, r Reply, status int) map[string]any {
	t.Helper()
	if r.Status != status {
		t.Fatalf("got %d %s, want %d", r.Status, r.Body, status)
	}
	return r.JSON(t)
}
