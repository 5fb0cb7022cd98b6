package sink_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// A hold is in the log once when it begins and once when it ends, whatever its probes meet.
func TestOperator_theLogSaysAHoldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := config(exchange(func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second) // so that none is answered between the resume and the operator's hold
			return answer(http.StatusUnauthorized, "")
		}))
		d := sink.NewDestination(c, budget.New(c.Rate), slog.New(slog.NewTextHandler(&log, nil)))
		stops := newStops()
		for range 3 {
			go func() { _, _ = deliver(stops.ctx, d, calling(update), "l", stops.stop) }()
		}
		time.Sleep(time.Hour)
		if _, err := d.Gate().Resume(); err != nil {
			t.Fatal(err)
		}
		if err := d.Gate().Halt(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Second)
		stops.soft()
		stops.hard()
		stops.last()
		synctest.Wait()
		var said []string
		for text := range strings.Lines(log.String()) {
			_, text, _ = strings.Cut(strings.TrimSpace(text), "level=")
			said = append(said, text)
		}
		want := []string{`ERROR msg="destination put on hold" reason=http_401 ends_by="a probe that is accepted or judged" cause="the API refuses the credential: 401 Unauthorized" ` +
			`next="renew desk.token: one in a file is read again within seconds, for another restart" last_error=http_401`}
		for _, held := range []string{"10m0s", "20m0s", "30m0s", "40m0s", "50m0s"} {
			want = append(want, `ERROR msg="destination still on hold" reason=http_401 ends_by="a probe that is accepted or judged" cause="the API refuses the credential: 401 Unauthorized" `+
				`next="renew desk.token: one in a file is read again within seconds, for another restart" last_error=http_401 held_for=`+held)
		}
		want = append(want, `INFO msg="destination resumed" reason=http_401 held_for=59m59s`)
		const person = `reason=operator ends_by=resume cause="a person stopped it" next="deskstream resume desk"`
		want = append(want, `WARN msg="destination put on hold" `+person)
		for _, held := range []string{"10m0s", "20m0s", "30m0s", "40m0s", "50m0s"} {
			want = append(want, `WARN msg="destination still on hold" `+person+` held_for=`+held)
		}
		if strings.Join(said, "\n") != strings.Join(want, "\n") {
			t.Errorf("the log says\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
		}
	})
}
