package main

import (
	"fmt"
	"testing"
)

// What export has copied of a person, forget removes; what it copied of others stays.
func TestForget_removesWhatExportCopied(t *testing.T) {
	t.Parallel()
	x := newExporting(t)
	x.grow(3, 6)
	for _, ticket := range x.tickets {
		x.call("POST", "/tickets/"+ticket+"/messages", `{"message":"more"}`)
	}
	walk := func(how string) {
		t.Helper()
		if r := runCommand(t, "", "export", "-c", x.path, how); r.code != exitOK {
			t.Fatal(r.stderr)
		}
	}
	walk("--create-topics")
	comments := len(x.objects("comments"))
	const topic = "helpdesk.events." + inbox + "."
	got := runCommand(t, "", "forget", "-c", x.path, "--user", "USER-1@example.test")
	got.want(t, exitOK, "1 record removed from "+topic+"contacts\n", "")
	got.want(t, exitOK, "2 records removed from "+topic+"tickets\n", "")
	got.want(t, exitOK, fmt.Sprintf("%d records removed from %scomments\n", comments/3, topic), "")
	got.want(t, exitOK, "events of desks  helpdesk.events", "")
	if x.objects("contacts")[x.contact[1]] != nil || x.objects("tickets")[x.tickets[4]] != nil {
		t.Error("the person's are there")
	}
	if n := [3]int{len(x.objects("contacts")), len(x.objects("tickets")), len(x.objects("comments"))}; n != [3]int{2, 4, comments / 3 * 2} {
		t.Errorf("of others there are %v", n)
	}
	// The desk has it all still: the next walk says so, as the page tells.
	walk("--all")
	runCommand(t, "", "forget", "-c", x.path, "--user", inbox+"/contact/"+x.contact[1]).want(t, exitOK, "1 record removed from "+topic+"contacts\n", "")
	again := runCommand(t, "", "forget", "-c", x.path, "--user", "nobody", "--json")
	again.want(t, exitOK, `{"schema":1,"kind":"forget","data":{"complete":true,"removed":[{"topic":"`, "")
	again.want(t, exitOK, `{"topic":"`+topic+`contacts","records":0}`, "")
}
