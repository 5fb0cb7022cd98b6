package kustomer_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// destination is a real one, so that waiting and counting are its own.
func destination(t *testing.T, answer func(*http.Request) answer, attempts int) *sink.Destination {
	t.Helper()
	c := sink.Config{
		Name: "crm", BaseURL: "http://desk.example", Credential: sink.NewSecret("a-key-for-tests"), MaxInFlight: 8,
		Rate: budget.Rate{Requests: 1e9, Per: time.Second}, Timeout: time.Minute,
		Retry: sink.Policy{MaxAttempts: attempts, Initial: time.Second, Max: time.Minute}, Alone: true,
		Transport: exchange(answer),
	}
	return newDestination(t, c)
}

func TestSend_lagAfterAConflictIsWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		attempts int
		found    int // by which round
		want     []string
		end      string
	}{
		{4, 3, []string{"GET externalId=u1", "POST", "GET externalId=u1", "GET externalId=u1", "GET externalId=u1", "PUT c-4"}, "delivered"},
		{2, 9, []string{"GET externalId=u1", "POST", "GET externalId=u1", "GET externalId=u1"}, "request exhausted http_409"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var calls []string
			asked := 0
			d := destination(t, func(r *http.Request) answer {
				path := r.URL.Path[len("/v1/customers"):]
				calls = append(calls, r.Method+map[bool]string{true: " " + path[min(1, len(path)):]}[path != ""])
				switch r.Method {
				case http.MethodPost:
					return taken
				case http.MethodPut:
					return fine
				}
				if asked++; asked > tt.found {
					return who("c-4", `{"externalId":"u1"}`)
				}
				return answer{http.StatusNotFound, `{"errors":[]}`}
			}, tt.attempts)
			began := time.Now()
			o := through(t, d, "u1", traits(`"name":"N"`))
			if diff := cmp.Diff(tt.want, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			end := string(o.Outcome)
			if o.Error != nil {
				end = string(o.Error.Stage) + " " + string(o.Error.Class) + " " + string(o.Error.Code)
			}
			if end != tt.end || time.Since(began) < time.Second/2 {
				t.Errorf("ended as %s after %v, want %s after a back-off", end, time.Since(began), tt.end)
			}
		})
	}
}

// A gateway's 404 page does not mean that nobody has the id.
func TestSend_answerOfAGatewayCreatesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := destination(t, func(r *http.Request) answer {
			if r.Method != http.MethodGet {
				t.Errorf("%s %s was sent", r.Method, r.URL)
			}
			return answer{http.StatusNotFound, "<html>Not Found</html>"}
		}, 2)
		o := through(t, d, "u1", traits(`"name":"N"`))
		if o.Error == nil || o.Error.Class != sink.Exhausted || o.Error.Code != "http_404" || o.Error.Stage != sink.StageLookup {
			t.Errorf("outcome %+v", o.Error)
		}
	})
}
