package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
)

// mounted is a file of a secret as Kubernetes mounts it: behind two links, of which the
// second is swapped for one to a new directory.
type mounted struct {
	t    *testing.T
	dir  string
	path string
	n    int
}

func mount(t *testing.T, text string) *mounted {
	t.Helper()
	m := &mounted{t: t, dir: t.TempDir()}
	m.path = filepath.Join(m.dir, "token")
	m.swap(text)
	if err := os.Symlink("..data/token", m.path); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *mounted) swap(text string) {
	m.t.Helper()
	m.n++
	version := filepath.Join(m.dir, "..version"+strings.Repeat("x", m.n))
	next := filepath.Join(m.dir, "..next")
	for _, err := range []error{
		os.Mkdir(version, 0o700),
		os.WriteFile(filepath.Join(version, "token"), []byte(text+"\n"), 0o600),
		os.Symlink(filepath.Base(version), next),
		os.Rename(next, filepath.Join(m.dir, "..data")),
	} {
		if err != nil {
			m.t.Fatal(err)
		}
	}
}

// A walk that the desk refuses goes on with the new credential.
func TestExport_aNewCredentialInItsFileEndsTheHold(t *testing.T) {
	t.Parallel()
	const renewed = "n3w-t0k3n"
	x := exportingOf(t, worldOptions{stub: stub.Config{Tokens: []string{renewed}}})
	secret := mount(t, trengoToken)
	path := writeFile(t, "c.yaml", strings.Replace(readFile(t, x.path), trengoToken, "${file:"+secret.path+"}", 1))
	p := startProcess(t, "export", "-c", path, "--create-topics", "--log-format", "json")
	p.awaitLog("destination put on hold")
	secret.swap(renewed)
	if code := p.wait(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
	log := p.stderr.String()
	if strings.Count(log, "credential changed") != 1 || strings.Contains(log, trengoToken) || strings.Contains(log, renewed) {
		t.Errorf("the log says %s", log)
	}
}

func TestRun_aNewCredentialInItsFileEndsTheHold(t *testing.T) {
	t.Parallel()
	const renewed = "n3w-t0k3n"
	w := newWorld(t, worldOptions{stub: stub.Config{Tokens: []string{kustomerKey, renewed}}})
	secret := mount(t, trengoToken)
	path := writeFile(t, "c.yaml", strings.Replace(readFile(t, w.config(settings{})), trengoToken, "${file:"+secret.path+"}", 1))
	w.produce(100, each(30))
	p := w.start(path)
	await(t, "the hold, with the other destination done", func() bool {
		p.alive()
		return readyOf(t, p.listening()).Hold == "http_401" && w.committedAll(crm)
	})
	secret.swap(" ") // not yet whole: not taken, and said once
	p.awaitLog("reading the credential again failed, the current one stays")
	secret.swap(renewed)
	w.awaitCommitted(p)
	p.stop()
	w.wantOnce()
	w.wantNoLetters()
	log := p.stderr.String()
	for text, want := range map[string]int{
		"destination put on hold": 1, "destination resumed": 1, "credential changed": 1, "reading the credential again failed": 1,
		trengoToken: 0, renewed: 0,
	} {
		if n := strings.Count(log, text); n != want {
			t.Errorf("the log says %d times %q, want %d\n%s", n, text, want, log)
		}
	}
}
