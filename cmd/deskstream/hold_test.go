package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/service"
	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// readyOf is what /readyz says of the inbox.
func readyOf(t *testing.T, url string) service.Readiness {
	t.Helper()
	var body struct{ Destinations map[string]service.Readiness }
	if _, text := get(t, url+"/readyz"); json.Unmarshal([]byte(text), &body) != nil {
		t.Fatalf("/readyz answered %s", text)
	}
	return body.Destinations[inbox]
}

// calls is how many calls a help desk has received.
func calls(d *stub.Desk) int { return len(d.Received()) }

func TestHold_stopsOneDestinationUntilItIsResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	p := w.start(w.config(settings{}))
	admin := p.admin()
	runCommand(t, "", "hold", inbox, "--admin", admin).want(t, exitOK, inbox+" is on hold until", "")
	w.produce(300, each(50))
	await(t, "the other destination to be done", func() bool { p.alive(); return w.committedAll(crm) })
	if n := calls(w.desk.Desk(stubtrengo.Name)); n > 0 {
		t.Errorf("%d calls of the destination that is on hold", n)
	}
	if r := readyOf(t, p.listening()); r.Hold != "operator" || r.HeldSince == "" || !r.Joined {
		t.Errorf("/readyz shows %+v", r)
	}
	if n := metric(t, p.listening(), "deskstream_hold", inbox); n != 1 {
		t.Errorf("deskstream_hold = %v, want 1", n)
	}
	runCommand(t, "", "hold", inbox, "--admin", admin).want(t, exitOK, "held by an operator already", "")
	runCommand(t, "", "resume", inbox, "--admin", strings.TrimPrefix(admin, "http://")).want(t, exitOK, inbox+" is resumed; it was on hold since", "")
	w.awaitCommitted(p)
	runCommand(t, "", "resume", inbox, "--admin", admin).want(t, exitOK, "trengo: the destination is not on hold", "")
	runCommand(t, "", "hold", "nobody", "--admin", admin).want(t, exitUsage, "", "there are kustomer, trengo")
	p.stop()
	w.wantOnce()
	for _, text := range []string{"destination put on hold", "destination resumed"} {
		if n := strings.Count(p.stderr.String(), text); n != 1 {
			t.Errorf("the log says %d times %q", n, text)
		}
	}
}

func TestHold_isNotKeptOverARestartAndDoesNotHoldUpAStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	path := w.config(settings{})
	p := w.start(path)
	runCommand(t, "", "hold", inbox, "--admin", p.admin()).want(t, exitOK, "on hold", "")
	w.produce(100, each(20))
	await(t, "the other destination to be done", func() bool { p.alive(); return w.committedAll(crm) })
	p.stop()
	if n := calls(w.desk.Desk(stubtrengo.Name)); n > 0 {
		t.Errorf("%d calls of the destination that was on hold", n)
	}
	p = w.start(path)
	w.awaitCommitted(p)
	p.stop()
	w.wantOnce()
}

func TestHold_findsTheInstanceInTheFile(t *testing.T) {
	for _, tt := range []struct{ http, want string }{
		{`"127.0.0.1:9401"`, "http://127.0.0.1:9401"},
		{`":9401"`, "http://127.0.0.1:9401"},
		{`"0.0.0.0:9401"`, "http://127.0.0.1:9401"},
		{`"[::]:9401"`, "http://127.0.0.1:9401"},
		{`"10.0.0.7:9401"`, "http://10.0.0.7:9401"},
		{`""`, "is off"},
		{`"127.0.0.1:0"`, "has port 0: give --admin"},
	} {
		file := writeFile(t, "c.yaml", "http: {admin: "+tt.http+"}\n"+readFile(t, deskConfig(t, "http://127.0.0.1:1", "crm")))
		a := &app{getenv: func(string) (string, bool) { return "", false }}
		got, err := a.adminURL("", file)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("http.admin %s: %s, want %s", tt.http, got, tt.want)
		}
	}
}

func TestHold_saysWhatIsWrongWithTheInstance(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	runCommand(t, "", "hold", "crm").want(t, exitUsage, "", "give --admin URL, or -c FILE")
	runCommand(t, "", "hold").want(t, exitUsage, "", "accepts 1 arg")
	runCommand(t, "", "hold", "crm", "--admin", "ftp://x").want(t, exitUsage, "", "--admin must be an address")
	runCommand(t, "", "hold", "crm", "--admin", closed.URL).want(t, exitFault, "", "check that it runs")
	runCommand(t, "", "resume", "crm", "--admin", other.URL).want(t, exitFault, "", "is not from an admin listener")
}
