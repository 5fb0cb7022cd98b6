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
	runCommand(t, "", "hold", inbox, "--admin", admin).want(t, exitOK, inbox+" is on hold in this instance, until", "")
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
	runCommand(t, "", "resume", inbox, "--admin", admin, "--json").want(t, exitOK, `{"schema":1,"kind":"resume","data":{"destination":"trengo","error":"the destination is not on hold"}}`, "")
	runCommand(t, "", "hold", "nobody", "--admin", admin).want(t, exitUsage, "", "there are kustomer, trengo")
	p.stop()
	w.wantOnce()
	for _, text := range []string{"destination put on hold", "destination resumed"} {
		if n := strings.Count(p.stderr.String(), text); n != 1 {
			t.Errorf("the log says %d times %q", n, text)
		}
	}
}

// Of two instances one is told; a third one starts later.
func TestHold_isOnRecordForAllInstancesUntilItIsResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	path := w.config(settings{})
	told, other := w.start(path, "--create-topics"), w.start(path)
	runCommand(t, "", "hold", inbox, "--admin", told.admin()).want(t, exitOK, inbox+" is on hold in all instances until it is resumed", "")
	operator := func(p *process) func() bool {
		return func() bool { p.alive(); return readyOf(t, p.listening()).Hold == "operator" }
	}
	await(t, "the other instance to follow", operator(other))
	told.stop()
	other.stop()
	later := w.start(path)
	w.produce(100, each(20))
	await(t, "the other destination to be done", func() bool { later.alive(); return w.committedAll(crm) })
	if n := calls(w.desk.Desk(stubtrengo.Name)); n > 0 || !operator(later)() {
		t.Errorf("%d calls of the destination that is on hold", n)
	}
	third := w.start(path)
	await(t, "an instance that starts later to know", operator(third))
	runCommand(t, "", "hold", inbox, "--admin", third.admin()).want(t, exitOK, "held by an operator already", "")
	runCommand(t, "", "resume", inbox, "--admin", third.admin()).want(t, exitOK, inbox+" is resumed; it was on hold since", "")
	w.awaitCommitted(later)
	later.stop()
	third.stop()
	w.wantOnce()
	w.command("dlq", "list", "-c", path).want(exitOK, "0 letters", "")
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

func TestHold_saysWhatIsWrongWithTheInstance(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	runCommand(t, "", "hold", "crm").want(t, exitUsage, "", "give --admin URL, or -c FILE")
	runCommand(t, "", "hold").want(t, exitUsage, "", "takes one destination")
	runCommand(t, "", "hold", "crm", "--admin", "ftp://x").want(t, exitUsage, "", "--admin: it must be an address")
	runCommand(t, "", "hold", "crm", "--admin", closed.URL).want(t, exitFault, "", "check that it runs")
	runCommand(t, "", "resume", "crm", "--admin", other.URL).want(t, exitFault, "", "is not from an admin listener")
}

func TestHold_withoutANameSaysWhichThereAre(t *testing.T) {
	t.Parallel()
	file := deskConfig(t, "http://127.0.0.1:1", "crm", "inbox")
	runCommand(t, "", "hold", "-c", file).want(t, exitUsage, "", "hold takes one destination: crm, inbox")
	runCommand(t, "", "resume", "-c", "/does/not/exist").want(t, exitUsage, "", "resume takes one destination")
}

// Destinations are split at commas by every command.
func TestDestinations_mayBeSeparatedByCommas(t *testing.T) {
	t.Parallel()
	file := deskConfig(t, "http://127.0.0.1:1", "crm", "inbox")
	runCommand(t, identify("m-1"), "plan", "--offline", "-c", file, "--destination", "crm,inbox").want(t, exitOK, `"name":"inbox"`, "")
	runCommand(t, "", "run", "-c", file, "--destination", "crm,nobody").want(t, exitUsage, "", `no destination is called "nobody"`)
}
