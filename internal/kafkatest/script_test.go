package kafkatest_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const kafkaScript = "../../deploy/kafka-without-docker/kafka.sh"

// fakeJava answers as Java and Kafka do, in as far as the script looks: a broker runs
// until it is ended, or with FAKE_JAVA=taken finds its port in use.
const fakeJava = `#!/usr/bin/env bash
case "$*" in
-version) echo 'openjdk version "17.0.1" 2021-10-19' >&2 ;;
*StorageTool*) exit 0 ;;
*kafka.Kafka*)
	if [[ $FAKE_JAVA == taken ]]; then
		echo 'ERROR [KafkaServer] fatal error during startup'
		echo 'org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:9092: Address already in use.'
		echo '	at kafka.network.DataPlaneAcceptor.openServerSocket(SocketServer.scala:700)'
		exit 1
	fi
	echo 'Kafka Server started'
	while :; do sleep 0.1; done
	;;
esac
`

// script runs deploy/kafka-without-docker/kafka.sh with a fake Java and nothing to fetch.
type script struct {
	t   *testing.T
	dir string
}

func newScript(t *testing.T) script {
	t.Helper()
	s := script{t, t.TempDir()}
	text, err := os.ReadFile(kafkaScript)
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^version=(\S+)$`).FindSubmatch(text)
	if version == nil {
		t.Fatal("the script names no version of Kafka")
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "deskstream", "kafka-"+string(version[1])), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "java"), []byte(fakeJava), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.run("ok", "stop", "--delete") })
	return s
}

// run runs the script and returns its output, its diagnostics and whether it succeeded.
func (s script) run(java string, args ...string) (stdout, stderr string, ok bool) {
	s.t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), kafkaScript, args...) // the clean-up runs it too
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+s.dir, "FAKE_JAVA="+java, "PATH="+s.dir+":"+os.Getenv("PATH"))
	var out, diagnostics bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diagnostics
	err := cmd.Run()
	return out.String(), diagnostics.String(), err == nil
}

func TestScript_namesThePortThatIsInUse(t *testing.T) {
	s := newScript(t)
	if _, stderr, ok := s.run("ok", "start"); !ok { // whose log must not be read in the next start
		t.Fatalf("start failed: %s", stderr)
	}
	if _, stderr, ok := s.run("ok", "stop"); !ok {
		t.Fatalf("stop failed: %s", stderr)
	}
	stdout, stderr, ok := s.run("taken", "start")
	if ok || stdout != "" {
		t.Errorf("start succeeded, %q, though the port was in use", stdout)
	}
	if !strings.HasPrefix(stderr, "kafka.sh: 127.0.0.1:9092 is in use: ") || !strings.Contains(stderr, "PORT=") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("stderr is no line that names the port and what to do:\n%s", stderr)
	}
}

func TestScript_aRunningClusterKeepsItsPorts(t *testing.T) {
	s := newScript(t)
	for _, args := range [][]string{{"start", "--port", "19092"}, {"start", "--port", "19092"}, {"start"}} {
		stdout, stderr, ok := s.run("ok", args...)
		if !ok || stdout != "127.0.0.1:19092\n" {
			t.Errorf("%q gave %q, want the address of the cluster that runs: %s", args, stdout, stderr)
		}
		if said := strings.Contains(stderr, "runs already, from port 19092 on"); said != (len(args) == 1) {
			t.Errorf("%q said %q", args, stderr)
		}
	}
}
