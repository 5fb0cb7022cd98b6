package stub_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
)

// recorded makes a call without a network, which a bubble of synctest could not wait for.
func recorded(t *testing.T, s *stub.Server, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer secret")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestQuirks_headersAreOfTheDesksClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, offset := range []time.Duration{0, 30 * time.Second, -30 * time.Second} {
			s := newServer(stub.Config{Limit: 1, Quirks: stub.Quirks{ClockOffset: offset}})
			for _, path := range []string{trengo + "/contacts", kustomer + "/users/current"} {
				recorded(t, s, "GET", path, "")
				h := recorded(t, s, "GET", path, "").Header()
				want := time.Now().Truncate(time.Minute).Add(time.Minute + offset).Unix()
				if got := h.Get("X-Ratelimit-Reset"); got != strconv.FormatInt(want, 10) {
					t.Errorf("%s at %v: the reset is %s, want %d", path, offset, got, want)
				}
				if wait := h.Get("Retry-After"); wait != "" && wait != "60" {
					t.Errorf("%s at %v: the wait is %s, want 60 whatever the clock", path, offset, wait)
				}
				date := ""
				if offset != 0 {
					date = time.Now().UTC().Add(offset).Format(http.TimeFormat)
				}
				if got := h.Get("Date"); got != date {
					t.Errorf("%s at %v: the date is %q, want %q", path, offset, got, date)
				}
			}
		}
	})
}

func TestQuirks_momentsOfKustomerAreOfItsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // It is 2000-01-01, midnight UTC.
		s := newServer(stub.Config{Quirks: stub.Quirks{ClockOffset: 30 * time.Second}})
		made := recorded(t, s, "POST", kustomer+"/customers", `{"externalId":"u-1"}`).Body.String()
		id := made[strings.Index(made, `"/v1/customers/`)+len(`"/v1/customers/`):][:24]
		time.Sleep(time.Minute)
		changed := recorded(t, s, "PUT", kustomer+"/customers/"+id, `{"name":"Ada"}`).Body.String()
		event := recorded(t, s, "POST", kustomer+"/tracking/identityEvent", `{"identity":{"externalId":"u-1","email":"a@example.com"},"event":{"name":"Paid"}}`).Body.String()
		for body, want := range map[string]string{
			made: `"createdAt":"2000-01-01T00:00:30.000Z"`, changed: `"updatedAt":"2000-01-01T00:01:30.000Z"`, event: `"statusAt":"2000-01-01T00:01:30.000Z"`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not have %s", body, want)
			}
		}
	})
}

func TestQuirks_areSetOverHTTPUntilAReset(t *testing.T) {
	begin := stub.Quirks{ListLag: time.Second, NullSubjects: true}
	d := serve(t, stub.Config{Quirks: begin})
	d.expect([]refusal{
		{"some", "POST", "/_stub/quirks?destination=trengo&lost_answers=0.25&late_effects=10s&null_subjects=false", "", 204, ""},
		{"more", "POST", "/_stub/quirks?destination=trengo&late_answers=0.5&clock_offset=-30s&list_lag=5s", "", 204, ""},
		{"of nobody", "POST", "/_stub/quirks?destination=x&list_lag=5s", "", 400, "trengo, kustomer"},
		{"unknown", "POST", "/_stub/quirks?destination=trengo&lag=5s", "", 400, "list_lag"},
		{"no duration", "POST", "/_stub/quirks?destination=trengo&list_lag=5", "", 400, "list_lag"},
		{"too many", "POST", "/_stub/quirks?destination=trengo&lost_answers=0.6", "", 400, "late answers"},
		{"less than nothing", "POST", "/_stub/quirks?destination=trengo&late_effects=-1s&list_lag=-1s", "", 400, "late effects"},
	})
	want := stub.Quirks{LostAnswers: 0.25, LateAnswers: 0.5, LateEffects: 10 * time.Second, ListLag: 5 * time.Second, ClockOffset: -30 * time.Second}
	if diff := cmp.Diff(want, d.Server.Desk("trengo").Quirks()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(begin, d.Server.Desk("kustomer").Quirks()); diff != "" {
		t.Errorf("another desk: %s", diff)
	}
	d.Server.Reset()
	if diff := cmp.Diff(begin, d.Server.Desk("trengo").Quirks()); diff != "" {
		t.Errorf("after a reset: %s", diff)
	}
}

func TestConfig_validateNamesEveryQuirk(t *testing.T) {
	err := stub.Config{
		Users:  map[string]int64{"a": 0},
		Quirks: stub.Quirks{LostAnswers: 2, LateAnswers: -1, LateEffects: -1, ListLag: -1},
	}.Validate()
	for _, want := range []string{"lost answers", "late answers", "late effects", "list lag", "the user 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if err := (stub.Config{Quirks: stub.Quirks{ClockOffset: -time.Hour, LostAnswers: 0.5, LateAnswers: 0.5}}).Validate(); err != nil {
		t.Errorf("valid quirks are refused: %v", err)
	}
}
