package stub_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
)

// desk is a server under test with a client of it.
type desk struct {
	t      *testing.T
	server *stub.Server
	url    string
}

func serve(t *testing.T, cfg stub.Config) *desk {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s := stub.New(cfg)
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	return &desk{t: t, server: s, url: ts.URL}
}

type reply struct {
	status int
	header http.Header
	body   string
}

// json decodes the body.
func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(r.body))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		t.Fatalf("the body is no JSON object: %v: %s", err, r.body)
	}
	return m
}

// try makes a call with a token and returns what came back.
func (d *desk) try(token, method, path, body string) (reply, error) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	// A transport of its own: a shared one repeats a GET whose connection was cut.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // the body was read, nothing can be lost
	return reply{status: resp.StatusCode, header: resp.Header, body: string(data)}, err
}

func (d *desk) call(method, path, body string) reply {
	d.t.Helper()
	r, err := d.try("secret", method, path, body)
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// Paths of the two APIs in the server.
const (
	trengo   = stub.TrengoPath
	kustomer = stub.KustomerPath + "/v1"
)

// refusal is a call and the answer that it must get.
type refusal struct {
	name, method, path, body string
	status                   int
	want                     string // part of the body
}

func (d *desk) expect(cases []refusal) {
	d.t.Helper()
	for _, c := range cases {
		d.t.Run(c.name, func(t *testing.T) {
			r := d.call(c.method, c.path, c.body)
			if r.status != c.status || !strings.Contains(r.body, c.want) {
				t.Errorf("%s %s %.200s: got %d %s, want %d with %s", c.method, c.path, c.body, r.status, r.body, c.status, c.want)
			}
		})
	}
}

func must(t *testing.T, r reply, status int) map[string]any {
	t.Helper()
	if r.status != status {
		t.Fatalf("got %d %s, want %d", r.status, r.body, status)
	}
	return r.json(t)
}
