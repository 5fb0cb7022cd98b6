package trengo_test

import (
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	"github.com/deskstream/deskstream/internal/stub/trengo"
)

// desk is a stub under test with a client of it.
type desk struct{ *stubtest.Client }

func serve(t *testing.T, cfg stub.Config) *desk {
	t.Helper()
	return &desk{stubtest.Serve(t, cfg, trengo.New(nil))}
}

// api is the path of the API in the server.
const api = trengo.Path

// refusal is a call and the answer that it must get.
type refusal stubtest.Case

func (d *desk) expect(cases []refusal) {
	d.T.Helper()
	for _, c := range cases {
		d.T.Run(c.Name, func(t *testing.T) { d.Expect(t, stubtest.Case(c)) })
	}
}
