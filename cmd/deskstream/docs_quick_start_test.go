//go:build unix

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// shell is a bash that is given the quick start's commands as a reader copies them: block by
// block, into one terminal, in a directory with what they use of the repository.
type shell struct {
	t              *testing.T
	dir            string
	input          io.Writer
	stdout, stderr *transcript
	ended          chan struct{}
	err            error // of bash, once it has ended
}

// The repository's programs are stand-ins: the binary is there already, Kafka is the
// test's. What they were asked for is written down. deskstream is the real one, whose stub
// listens where nobody else does.
const (
	readmeTool    = "#!/bin/sh\necho \"$(basename \"$0\") $*\" >> asked\n"
	readmeProgram = "#!/bin/sh\n[ \"$1\" != stub ] || set -- \"$@\" --listen %s\nexec %s \"$@\"\n"
)

// startShell starts a shell in a repository whose example has the addresses given.
func startShell(t *testing.T, addresses *strings.Replacer, stubAddress, admin string) *shell {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &shell{t: t, dir: t.TempDir(), stdout: &transcript{}, stderr: &transcript{}, ended: make(chan struct{})}
	example := filepath.Join(s.dir, "deploy", "example")
	if err := os.MkdirAll(example, 0o700); err != nil {
		t.Fatal(err)
	}
	config := readFile(t, exampleConfig) + "http: {listen: 127.0.0.1:9400, admin: " + admin + "}\n"
	s.write("deploy/example/deskstream.yaml", addresses.Replace(config))
	s.write("deploy/example/events.ndjson", readFile(t, exampleEvents))
	s.write("deskstream", fmt.Sprintf(readmeProgram, stubAddress, program))
	s.write("bin/go", readmeTool)
	s.write("bin/make", readmeTool)

	cmd := exec.CommandContext(t.Context(), "bash", "-e")
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "PATH="+filepath.Join(s.dir, "bin")+":"+os.Getenv("PATH"), "DESKSTREAM_CONFIG=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that all of it can be ended
	cmd.Stdout, cmd.Stderr = s.stdout, s.stderr
	cmd.WaitDelay = time.Second // what it left running keeps both open
	if s.input, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("there is no bash: %v", err)
	}
	go func() {
		defer close(s.ended)
		s.err = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what a failed test left running
		<-s.ended
	})
	return s
}

func (s *shell) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// run runs a block and returns what it wrote on stdout. A command that fails fails the test.
func (s *shell) run(block string) string {
	s.t.Helper()
	const done = "the block is done"
	before := len(s.stdout.String())
	if _, err := fmt.Fprintf(s.input, "%s\necho '%s'\n", block, done); err != nil {
		s.t.Fatal(err)
	}
	await(s.t, "the end of\n"+block, func() bool {
		select {
		case <-s.ended:
			s.t.Fatalf("the shell ended (%v) in\n%s\nstdout: %s\nstderr: %s", s.err, block, s.stdout, s.stderr)
		default:
		}
		return strings.Contains(s.stdout.String()[before:], done)
	})
	return s.stdout.String()[before:]
}

// freeAddress is an address of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close() // it was opened to see that it can be
	return l.Addr().String()
}

// The quick start's commands work as they stand there, in their order, on a cluster without
// topics.
func TestDocs_theQuickStartsCommandsWork(t *testing.T) {
	t.Parallel()
	needsProcess(t)
	var blocks []string
	stubAddress, admin, k := freeAddress(t), freeAddress(t), kafkatest.Kafka(t)
	addresses := strings.NewReplacer("localhost:9092", k.Brokers[0], "127.0.0.1:9500", stubAddress, "127.0.0.1:9400", freeAddress(t))
	for _, m := range fence.FindAllStringSubmatch(readFile(t, quickStart), -1) {
		if m[1] == "sh quickstart" {
			blocks = append(blocks, addresses.Replace(m[2]))
		}
	}
	if len(blocks) != 7 {
		t.Fatalf("the page has %d blocks of commands: build and start, check and plan, run, look, an own event, look, stop", len(blocks))
	}
	events := strings.Count(readFile(t, exampleEvents), "\n")
	settled := func(n int) { // the page's second
		await(t, "the outcomes of the events", func() bool { return len(outcomeRecords(k.Consume(t, responsesTopic))) == 2*n })
	}
	s := startShell(t, addresses, stubAddress, admin)
	s.run(blocks[0])
	wantTexts(t, s.run(blocks[1]), "ok: deskstream.yaml", `"subject":"Order Completed A-1001"`)
	wantTexts(t, s.run(blocks[2]), `"joined":true`, "brokers ", "credential accepted")
	settled(events)
	wantTexts(t, s.run(blocks[3]), stubAddress+"/trengo/api/v2/tickets -> 201", `"body":{"contact_id":`, "0 letters")
	s.run(blocks[4])
	settled(events + 1)
	wantTexts(t, s.run(blocks[5]), stubAddress+"/trengo/api/v2/tickets -> 201", `"subject":"Order Completed MINE-1"`)
	s.run(blocks[6])

	if asked := readFile(t, filepath.Join(s.dir, "asked")); asked != "go build ./cmd/deskstream\nmake kafka\nmake kafka-stop\n" {
		t.Errorf("go and make were asked for\n%s", asked)
	}
	if stderr := s.stderr.String(); stderr != "6 events produced to events\n1 event produced to events\n" {
		t.Errorf("a newcomer reads on stderr:\n%s", stderr)
	}
	if log := readFile(t, filepath.Join(s.dir, "run.log")); strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("run logged errors:\n%s", log)
	}
}

func wantTexts(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(got, text) {
			t.Errorf("the output lacks %q:\n%s", text, got)
		}
	}
}
