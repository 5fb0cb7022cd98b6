package stub_test

import (
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	kustomerdesk "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	trengodesk "github.com/deskstream/deskstream/internal/stub/trengo"
)

// desk is a server of both help desks with a client of it.
type desk struct{ *stubtest.Client }

func newServer(cfg stub.Config) *stub.Server {
	return stub.New(cfg, trengodesk.New(nil), kustomerdesk.New())
}

func serve(t *testing.T, cfg stub.Config) *desk {
	t.Helper()
	return &desk{stubtest.Serve(t, cfg, trengodesk.New(nil), kustomerdesk.New())}
}

// Paths of the two APIs in the server.
const (
	trengo   = trengodesk.Path
	kustomer = kustomerdesk.Path + "/v1"
)

// refusal is a call and the answer that it must get.
type refusal stubtest.Case

func (d *desk) expect(cases []refusal) {
	d.T.Helper()
	for _, c := range cases {
		d.T.Run(c.Name, func(t *testing.T) { d.Expect(t, stubtest.Case(c)) })
	}
}
