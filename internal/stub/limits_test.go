package stub_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// The reset was recorded with a spent budget only; other answers have no such header.
func TestKustomer_saysTheResetOnceTheBudgetIsSpent(t *testing.T) {
	d := serve(t, stub.Config{Limit: 2})
	before := time.Now().Unix()
	for _, want := range []struct {
		status    int
		remaining string
		reset     bool
	}{{200, "1", false}, {200, "0", true}, {429, "0", true}} {
		r := d.Call("GET", kustomer+"/users/current", "")
		if r.Status != want.status || r.Header.Get("X-Ratelimit-Limit") != "2" || r.Header.Get("X-Ratelimit-Remaining") != want.remaining {
			t.Errorf("got %d %v, want %d with %s left", r.Status, r.Header, want.status, want.remaining)
		}
		text := r.Header.Get("X-Ratelimit-Reset")
		reset, err := strconv.ParseInt(text, 10, 64)
		if want.reset && (err != nil || reset < before || reset > before+61) {
			t.Errorf("with %s left the reset is %q, want Unix seconds within a minute", want.remaining, text)
		}
		if !want.reset && text != "" {
			t.Errorf("with %s left there is a reset of %s", want.remaining, text)
		}
		if r.Header.Get("Retry-After") != "" {
			t.Error("Kustomer documents no Retry-After")
		}
	}
}

func TestKustomer_budgetIsTheOrganizations(t *testing.T) {
	d := serve(t, stub.Config{Limit: 1})
	for _, c := range []struct {
		token, path string
		want        int
	}{
		{"one", kustomer + "/users/current", 200},
		{"two", kustomer + "/users/current", 429},
		{"one", trengo + "/contacts", 200},
		{"two", trengo + "/contacts", 200}, // Trengo's are of a token
		{"two", trengo + "/contacts", 429},
	} {
		r, err := d.Try(c.token, "GET", c.path, "")
		if err != nil || r.Status != c.want {
			t.Errorf("token %s at %s: got %d, %v, want %d", c.token, c.path, r.Status, err, c.want)
		}
	}
}

func TestKustomer_takesBodiesOf100kB(t *testing.T) {
	const limit = 100_000
	d := serve(t, stub.Config{})
	sized := func(n int) string { return `{"name":"Ada"` + strings.Repeat(" ", n-len(`{"name":"Ada"}`)) + `}` }
	d.expect([]refusal{
		{"100 kB", "POST", kustomer + "/customers", sized(limit), 201, `"customer"`},
		{"one byte more", "POST", kustomer + "/customers", sized(limit + 1), 413, `{"errors":[{"code":"payload_too_large","message":`},
		{"more than a stub reads", "POST", kustomer + "/customers", sized(1<<20 + 100), 413, `{"errors":[{"code":"payload_too_large","message":`},
		{"the other help desk", "POST", trengo + "/channels/123456/contacts", `{"identifier":"a@example.com","name":"` + strings.Repeat("x", limit) + `"}`, 201, ""},
	})
	calls := d.Server.Desk("kustomer").Received()
	if len(calls) != 3 || calls[1].Status != http.StatusRequestEntityTooLarge || calls[1].Op != "POST /v1/customers" {
		t.Errorf("received %+v", calls)
	}
	if n := d.Server.Stats().Holds["kustomer"]["customers"]; n != 1 {
		t.Errorf("%d customers, want the one whose body was small enough", n)
	}
}
