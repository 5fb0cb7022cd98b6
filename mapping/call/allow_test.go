package call_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/call"
)

func TestAllow(t *testing.T) {
	for _, tt := range []struct {
		allow  string
		yes    []string
		refuse []string
	}{
		{"GET /v1/teams", []string{"GET /v1/teams", "GET /v1/t%65ams"}, []string{"POST /v1/teams", "GET /v1/teams/1", "GET /v1", "GET /v1/Teams", "get /v1/teams", "GET /v1/teams%3B"}},
		{"GET /v1/customers/*", []string{"GET /v1/customers/1", "GET /v1/customers/email=a%40b.nl", "GET /v1/customers/%2A"}, []string{"GET /v1/customers", "GET /v1/customers/1/notes"}},
		{"GET /v1/customers/*/notes", []string{"GET /v1/customers/1/notes"}, []string{"GET /v1/customers/1", "GET /v1/customers/1/tags", "GET /v1/customers/1/notes/2"}},
		{"DELETE /v1/customers/**", []string{"DELETE /v1/customers/1", "DELETE /v1/customers/1/notes/2"}, []string{"DELETE /v1/customers", "GET /v1/customers/1", "DELETE /v1/teams/1"}},
		{"PUT /**", []string{"PUT /a", "PUT /a/b/c"}, []string{"PATCH /a"}},
		{"  GET   /v1/a%20b ", []string{"GET /v1/a b", "GET /v1/a%20b"}, []string{"GET /v1/ab"}},
		{"GET /v1/customers/email=a%40b.nl", []string{"GET /v1/customers/email=a@b.nl"}, []string{"GET /v1/customers/email=c@b.nl"}},
	} {
		for i, calls := range [][]string{tt.yes, tt.refuse} {
			for _, text := range calls {
				method, path, _ := strings.Cut(text, " ")
				got, err := read(t, record(method, path), "POST /other", tt.allow)
				fault, _ := errors.AsType[*mapping.Error](err)
				switch {
				case i == 0 && (err != nil || strings.Join(strings.Fields(tt.allow), " ") != got.Entry):
					t.Errorf("%q: the call %q was allowed by %q, %v", tt.allow, text, got.Entry, err)
				case i == 1 && (fault == nil || fault.Code != mapping.NotAllowed):
					t.Errorf("%q: the call %q gave %v, want not_allowed", tt.allow, text, err)
				}
			}
		}
	}
	if _, err := read(t, record("GET", "/v1/teams")); err == nil {
		t.Error("an empty list allowed a call")
	}
}

func TestParse_refuses(t *testing.T) {
	for text, says := range map[string]string{
		"": "write a method", "/v1/teams": "write a method", "GET": "write a method", "HEAD /v1": "write a method", "get /v1": "write a method",
		"* /v1": "write a method", "GET v1": "slash", "GET /v1/**/notes": "at the end", "GET /v1/te*": "whole segment", "GET /v1/***": "whole segment",
		"GET /v1/../x": ". or ..", "GET /v1/%2e%2e": ". or ..", "GET /v1/": "empty segment", "GET /v1?page=1": "query",
	} {
		if _, err := call.Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the entry %q gives %v, want %q", text, err, says)
		}
	}
}
