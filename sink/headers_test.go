package sink_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// hooked is a destination that is authenticated by headers, and the headers that its calls had.
func hooked(t *testing.T, headers map[string]sink.Secret, body string) (*sink.Destination, *[]http.Header) {
	t.Helper()
	var got []http.Header
	c := config(exchange(func(req *http.Request) (*http.Response, error) {
		got = append(got, req.Header.Clone())
		return answer(http.StatusOK, body)
	}))
	c.Credential, c.Headers = sink.Secret{}, headers
	return destination(t, c), &got
}

func TestHeaders_areThoseOfEachCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, got := hooked(t, map[string]sink.Secret{"x-team": sink.NewSecret("support"), "Authorization": sink.NewSecret("Basic dXNlcjpwYXNz")}, "{}")
		if o, err := deliver(t.Context(), d, calling(update), "l", forever()); err != nil || o.Outcome != sink.Delivered {
			t.Fatalf("outcome = %s, %v", o.Outcome, err)
		}
		for name, want := range map[string]string{
			"X-Team": "support", "Authorization": "Basic dXNlcjpwYXNz", "Accept": "application/json", "Content-Type": "application/json",
		} {
			if values := (*got)[0].Values(name); len(values) != 1 || values[0] != want {
				t.Errorf("%s is %q, want %q once", name, values, want)
			}
		}
	})
}

func TestHeaders_withoutACredentialThereIsNoAuthorization(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, got := hooked(t, nil, "{}")
		if _, err := deliver(t.Context(), d, calling(update), "l", forever()); err != nil {
			t.Fatal(err)
		}
		if values := (*got)[0].Values("Authorization"); len(values) > 0 {
			t.Errorf("Authorization is %q, want none", values)
		}
	})
}

func TestHeaders_aNewValueIsTakenByTheNextCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := "Bearer of-the-first-day"
		secret := sink.NewRereadSecret(text, func() (string, error) { return text, nil })
		d, got := hooked(t, map[string]sink.Secret{"Authorization": secret}, "{}")
		for _, text = range []string{"Bearer of-the-first-day", "Bearer of-the-second-day"} {
			if _, err := secret.Reread(); err != nil {
				t.Fatal(err)
			}
			d.Renewed()
			if _, err := deliver(t.Context(), d, calling(update), "l", forever()); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range []string{"Bearer of-the-first-day", "Bearer of-the-second-day"} {
			if value := (*got)[i].Get("Authorization"); value != want {
				t.Errorf("call %d has the Authorization %q, want %q", i+1, value, want)
			}
		}
	})
}

// Neither a header's value nor the token in it is shown when an answer quotes it.
func TestHeaders_areNowhereInAnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const token, key = "eyJhbGciOiJub25lIn0", "key-of-the-gateway-7"
		d, _ := hooked(t, map[string]sink.Secret{"Authorization": sink.NewSecret("Bearer " + token), "X-Key": sink.NewSecret(key)},
			`{"seen":["`+token+`","`+key+`"]}`)
		o, err := deliver(t.Context(), d, calling(update), "l", forever())
		if err != nil || o.Outcome != sink.Delivered {
			t.Fatalf("outcome = %s, %v", o.Outcome, err)
		}
		text := encode(t, o)
		for _, secret := range []string{token, key} {
			if strings.Contains(text, secret) {
				t.Errorf("%s stands in the outcome %s", secret, text)
			}
		}
		if n := strings.Count(text, "[redacted]"); n != 2 {
			t.Errorf("the outcome has %d redacted texts, want 2: %s", n, text)
		}
	})
}

// Destinations of one host with other headers are other accounts.
func TestAccounts_areOfHostAndAllSecrets(t *testing.T) {
	account := func(value string) sink.Config {
		return sink.Config{
			BaseURL: "https://hooks.example.com", Rate: budget.Rate{Requests: 10, Per: 1},
			Headers: map[string]sink.Secret{"X-Key": sink.NewSecret(value)},
		}
	}
	var accounts sink.Accounts
	one := accounts.Budget(account("one"))
	if accounts.Budget(account("one")) != one {
		t.Error("one account has two budgets")
	}
	if accounts.Budget(account("two")) == one {
		t.Error("two accounts share a budget")
	}
}
