package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binaryDir holds the binary once a test has asked for it.
var binaryDir string

// binary builds the program, once for all tests that run it as a process of its own.
var binary = sync.OnceValues(func() (string, error) {
	var err error
	if binaryDir, err = os.MkdirTemp("", "deskstream-test-"); err != nil {
		return "", err
	}
	path := filepath.Join(binaryDir, "deskstream")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the program: %w: %s", err, out)
	}
	return path, nil
})

// removeBinary ends the test process and leaves no binary behind.
func removeBinary(code int) {
	if binaryDir != "" {
		_ = os.RemoveAll(binaryDir) // in the system's directory of temporary files
	}
	os.Exit(code)
}

// transcript collects what a process writes, while others read it.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *transcript) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is the program in a process of its own.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr *transcript
	ended          chan struct{}
}

// needsProcess skips a test that would start the program, when tests are to be short.
func needsProcess(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the program in a process of its own")
	}
}

// startProcess starts the program. The test's end kills it, if it still runs.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	needsProcess(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, stdout: &transcript{}, stderr: &transcript{}, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(t.Context(), path, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // what the exit means is the test's to say
		close(p.ended)
	}()
	t.Cleanup(func() {
		<-p.ended
		if t.Failed() {
			p.tellTroubles()
		}
	})
	return p
}

// tellTroubles shows the first warnings and errors that the process logged.
func (p *process) tellTroubles() {
	const most = 30
	told := 0
	for line := range strings.Lines(p.stderr.String()) {
		if strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`) {
			if told++; told <= most {
				p.t.Logf("process %d: %s", p.cmd.Process.Pid, strings.TrimSuffix(line, "\n"))
			}
		}
	}
}

// signal sends a signal to the process.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// kill ends the process as a crash does.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	p.wait()
}

// wait gives the exit code, -1 when a signal ended the process.
func (p *process) wait() int {
	p.t.Helper()
	await(p.t, "the process to end", func() bool {
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	})
	return p.cmd.ProcessState.ExitCode()
}

// stop stops the process in good order.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != exitOK {
		p.t.Fatalf("exit code %d after SIGTERM, want 0\n%s", code, p.stderr)
	}
}

// alive fails the test when the process has ended by itself.
func (p *process) alive() {
	p.t.Helper()
	select {
	case <-p.ended:
		p.t.Fatalf("the process ended with exit code %d\n%s", p.cmd.ProcessState.ExitCode(), p.stderr)
	default:
	}
}

// awaitLog waits until the process has logged a text.
func (p *process) awaitLog(text string) {
	p.t.Helper()
	await(p.t, "the log to say "+text, func() bool {
		p.alive()
		return strings.Contains(p.stderr.String(), text)
	})
}

// listening is the URL that http.listen opened, once it is logged.
func (p *process) listening() string { p.t.Helper(); return p.opened("http.listen") }

// admin is the URL that http.admin opened, once it is logged.
func (p *process) admin() string { p.t.Helper(); return p.opened("http.admin") }

func (p *process) opened(setting string) string {
	p.t.Helper()
	address := ""
	await(p.t, setting+" to open", func() bool {
		p.alive()
		for line := range strings.Lines(p.stderr.String()) {
			var entry struct{ Msg, Setting, Address string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "endpoint opened" && entry.Setting == setting {
				address = entry.Address
			}
		}
		return address != ""
	})
	return "http://" + address
}

// get asks for a page and gives status and body.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // no connection outlives the test
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body.String()
}

// awaitBound is when a condition that does not come true fails its test: it is no
// measure of anything.
const awaitBound = 5 * time.Minute

// await waits until a condition is true.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	bound := time.NewTimer(awaitBound)
	defer bound.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-bound.C:
			t.Fatalf("waited %v for %s", awaitBound, what)
		case <-t.Context().Done():
			t.Fatalf("the test ended while it waited for %s", what)
		}
	}
}
