package sink_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// locked is a help desk that lets in one token, and answers otherwise with a status.
func locked(token string, status int, header ...string) exchange {
	return func(req *http.Request) (*http.Response, error) {
		time.Sleep(time.Second)
		got := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
		if got == token {
			return answer(http.StatusOK, "{}")
		}
		return answer(status, `{"message":"`+got+` is not accepted, as `+token+` is"}`, header...)
	}
}

// renewable is a destination whose credential is another one once renew was called.
func renewable(t *testing.T, desk exchange) (d *sink.Destination, renew func()) {
	t.Helper()
	text := "0ld-token"
	c := config(desk)
	c.Credential = sink.NewRereadSecret(text, func() (string, error) { return text, nil })
	d = destination(t, c)
	return d, func() {
		text = "n3w-token"
		if changed, err := c.Credential.Reread(); !changed || err != nil {
			t.Errorf("Reread = %v, %v", changed, err)
		}
		d.Renewed()
	}
}

// Though the API asked to be left alone for an hour: that was for the old credential.
func TestRenewed_aHoldOfItsCredentialIsTriedAtOnce(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		bubble(t, http.StatusText(status), func(t *testing.T) {
			d, renew := renewable(t, locked("n3w-token", status, "Retry-After", "3600"))
			time.AfterFunc(10*time.Minute, renew)
			began := time.Now()
			o, err := deliver(t.Context(), d, calling(update), "l", forever())
			if err != nil || o.Outcome != sink.Delivered {
				t.Fatalf("outcome = %s, %v", o.Outcome, err)
			}
			if took := time.Since(began); took != 10*time.Minute+time.Second {
				t.Errorf("delivered after %v, want at once after the renewal at 10m", took)
			}
			if d.Gate().Held().Active() {
				t.Error("still on hold")
			}
		})
	}
}

func TestRenewed_otherHoldsAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, renew := renewable(t, locked("n3w-token", 0))
		enter(t, d.Gate(), "a").Hold("http_429", time.Hour)
		time.AfterFunc(time.Minute, renew)
		began := time.Now()
		enter(t, d.Gate(), "b").Done()
		if took := time.Since(began); took != time.Hour {
			t.Errorf("the probe went after %v, want 1h", took)
		}
	})
}

// A call that was in flight with the old credential says nothing about the new one.
func TestRenewed_anAnswerToTheOldCredentialOpensNoHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, renew := renewable(t, locked("n3w-token", http.StatusUnauthorized, "Retry-After", "3600"))
		time.AfterFunc(500*time.Millisecond, renew)
		began := time.Now()
		o, err := deliver(t.Context(), d, calling(update), "l", forever())
		if took := time.Since(began); err != nil || o.Outcome != sink.Delivered || o.Calls[0].Attempts != 2 || took != 2*time.Second {
			t.Errorf("outcome = %s after %v, %v; want it delivered by the second call", o.Outcome, took, err)
		}
		if d.Gate().HeldFor() != 0 {
			t.Errorf("on hold for %v", d.Gate().HeldFor())
		}
	})
}

func TestRenewed_neitherCredentialIsInAnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, renew := renewable(t, locked("0ld-token", http.StatusTeapot))
		renew()
		d.Renewed()
		o, err := deliver(t.Context(), d, calling(find, update), "l", forever())
		if err != nil || o.Error == nil {
			t.Fatalf("outcome = %+v, %v", o, err)
		}
		text := o.Error.Message + o.Calls[0].Response.String()
		if strings.Contains(text, "0ld") || strings.Contains(text, "n3w") || strings.Count(text, "[redacted]") < 4 {
			t.Errorf("a credential shows: %s", text)
		}
	})
}
