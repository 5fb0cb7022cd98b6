package call_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/call"
)

// read reads a call in JSON to the destination crm.
func read(t *testing.T, text string, allow ...string) (call.Request, error) {
	t.Helper()
	desk, err := call.NewDesk("crm", allow, []string{"userId", "tenant.id", "key"})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := mapping.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return desk.Read(ev)
}

// record is a call in JSON.
func record(method, path string) string {
	return mapping.Obj(
		mapping.Member{Name: "type", Value: mapping.Str("call")}, mapping.Member{Name: "destination", Value: mapping.Str("crm")},
		mapping.Member{Name: "method", Value: mapping.Str(method)}, mapping.Member{Name: "path", Value: mapping.Str(path)},
	).JSON()
}
