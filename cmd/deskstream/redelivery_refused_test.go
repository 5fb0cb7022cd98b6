package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRun_aRenamedDestinationDeliversNothingAgain(t *testing.T) {
	t.Parallel()
	renameDestination(t, worldOptions{})
}

// renameDestination renames a destination, is refused, and hands the offsets on as the error
// says. Then the offsets are lost, and delivering all again is allowed.
func renameDestination(t *testing.T, o worldOptions) {
	w := newWorld(t, o)
	w.produce(40, each(10))
	path := w.config(settings{})
	alone := w.start(path, "--destination", crm)
	await(t, "one destination to deliver", func() bool { alone.alive(); return w.committedAll(crm) })
	alone.stop()
	w.runToTheEnd(path) // and the other one begins, beside outcomes that are not its own
	w.wantOnce()
	w.forget()
	const name = crm + "-eu"
	writes := len(w.writes())
	text := strings.Replace(readFile(t, path), "name: "+crm, "name: "+name, 1)
	path = filepath.Join(filepath.Dir(path), "renamed.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	causes := []string{
		"group " + w.group(name) + " has no offsets of topic " + w.topic(eventsTopic),
		"is an outcome of group " + w.group(crm) + " for " + w.topic(eventsTopic), "may have had another name",
		"--group " + w.group(crm) + " --all-topics --to-current --export", "--redeliver", "docs/operations.md",
	}
	w.start(path).wantExit(exitFault, causes...)
	check := runCommand(t, "", "check", "--connect", "-c", path)
	for _, cause := range causes {
		if !strings.Contains(check.stdout, cause) {
			t.Errorf("check --connect does not say %q, as run does:\n%s", cause, check.stdout)
		}
	}
	if check.code != exitFault || strings.Count(check.stdout, "delivers nothing that has an outcome") != 1 {
		t.Errorf("check --connect exits with %d, want %d; want one other destination that may begin:\n%s", check.code, exitFault, check.stdout)
	}
	if n := len(w.writes()) - writes; n > 0 {
		t.Errorf("%d writes before the refusal", n)
	}
	at := make(map[int32]int64)
	for id, offset := range w.Committed(t, w.group(crm), w.topic(eventsTopic)) {
		at[id] = offset.At
	}
	w.commit(name, "", at)
	w.produce(10, each(10))
	p := w.start(path)
	w.awaitRenamed(p, name)
	p.stop()
	if again := w.marksFrom(writes); len(again) != 10 {
		t.Errorf("with the offsets of the old name %v were written, want the 10 new events", again)
	}
	writes = len(w.writes())
	if _, err := w.Admin(t).DeleteGroup(t.Context(), w.group(name)); err != nil {
		t.Fatalf("deleting a group: %v", err)
	}
	w.start(path).wantExit(exitFault, "offsets were deleted or have expired", "--group "+w.group(name)+" --topic "+w.topic(eventsTopic)+" --to-datetime")
	p = w.start(path, "--redeliver")
	w.awaitRenamed(p, name)
	p.stop()
	if again := w.marksFrom(writes); len(again) != 50 {
		t.Errorf("with --redeliver %d events were written, want all 50", len(again))
	}
}

// awaitRenamed waits until a destination and the inbox have committed everything.
func (w *world) awaitRenamed(p *process, name string) {
	w.t.Helper()
	for _, destination := range []string{inbox, name} {
		await(w.t, "the offsets of "+destination+" to reach the end", func() bool { p.alive(); return w.committedAll(destination) })
	}
}

// marksFrom are the events of the Kustomer desk's writes from the nth of all on.
func (w *world) marksFrom(n int) []string {
	var marks []string
	for _, c := range w.writes()[n:] {
		if c.Destination == crm && !slices.Contains(marks, c.Mark) {
			marks = append(marks, c.Mark)
		}
	}
	return marks
}
