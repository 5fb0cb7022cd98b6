package kustomer_test

import (
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

// desk is a stub under test with a client of it.
type desk struct{ *stubtest.Client }

func serve(t *testing.T, cfg stub.Config) *desk {
	t.Helper()
	return &desk{stubtest.Serve(t, cfg, kustomer.New())}
}

// api is the path of the API in the server.
const api = kustomer.Path + "/v1"

// refusal is a call and the answer that it must get.
type refusal stubtest.Case

func (d *desk) expect(cases []refusal) {
	d.T.Helper()
	for _, c := range cases {
		d.T.Run(c.Name, func(t *testing.T) { d.Expect(t, stubtest.Case(c)) })
	}
}
