//go:build browser

package browsertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/crypto/bcrypt"
)

// The users of each world, and their password.
const (
	operator = "olga"
	viewer   = "vic"
	password = "of tests only"
)

// The name of a host that the console takes, and of one that it does not. The browser finds both
// at this machine.
const (
	namedHost   = "console.test"
	foreignHost = "evil.test"
)

// world is a broker, stub help desks and deskstream run with its console.
type world struct {
	t      testing.TB
	dir    string
	config string
	// url is the console's address without the last slash, and desk that of the stub help desks.
	url, desk string
	// found is the paths of the pages, of one of each kind, once somebody has looked for them.
	found *[]string
}

// configuration takes the broker, the file of users and the stub's address.
const configuration = `
kafka: {brokers: [%q]}
source: {topics: [events], group: shop}
http: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", console: "127.0.0.1:0"}
console: {users_file: %q, hosts: [` + namedHost + `]}
dead_letters: {breaker: {share: 0}} # refused tickets become letters, and no hold
destinations:
  - name: support-inbox
    type: trengo
    trengo:
      api_token: a-token-for-the-stub
      base_url: %[3]s/trengo/api/v2
      channel_id: "123456"
      create_contact: true
      event_templates:
        - {event: Order Completed, template: "Order {{ properties.order_id }}"}
  - name: crm
    type: kustomer
    kustomer:
      api_key: a-key-for-the-stub
      base_url: %[3]s/kustomer
`

// newWorld starts a world whose help desks take a while to answer.
func newWorld(t testing.TB, latency time.Duration) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), found: new([]string)}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		t.Fatal(err)
	}
	users := w.file("users", fmt.Sprintf("%s:%s:operator\n%s:%s:viewer\n", operator, hash, viewer, hash))
	w.desk = w.start(`received +(http://[^/]+)/_stub`, "stub", "--listen", "127.0.0.1:0", "--latency", latency.String())
	w.config = w.file("deskstream.yaml", fmt.Sprintf(configuration, broker.ListenAddrs()[0], users, w.desk))
	w.url = "http://" + w.start(`setting=http\.console address=(\S+)\n`, "run", "--create-topics", "-c", w.config)
	return w
}

func (w *world) file(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// start starts the program until the test's end, and waits for what it prints: it returns what the
// pattern's group is then.
func (w *world) start(prints string, args ...string) string {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, append(args, "--log-format", "text")...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	out := &printed{want: regexp.MustCompile(prints), found: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		stop()
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // what it printed says more
		close(ended)
	}()
	w.t.Cleanup(func() {
		stop()
		<-ended
		if w.t.Failed() {
			w.t.Logf("the end of what deskstream %s printed:\n%s", args[0], out.tail())
		}
	})
	select {
	case value := <-out.found:
		return value
	case <-ended:
		w.t.Fatalf("deskstream %s has ended:\n%s", args[0], out.tail())
	case <-time.After(time.Minute):
		w.t.Fatalf("deskstream %s did not print %q in a minute:\n%s", args[0], prints, out.tail())
	}
	return ""
}

// printed is what a program prints.
type printed struct {
	want  *regexp.Regexp
	found chan string // has room for one

	mu   sync.Mutex
	text bytes.Buffer
	seen bool
}

// Write implements io.Writer.
func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(b)
	if !p.seen {
		if m := p.want.FindSubmatch(p.text.Bytes()); m != nil {
			p.found <- string(m[1])
			p.seen = true
		}
	}
	return len(b), nil
}

func (p *printed) tail() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.text.Bytes()
	return bytes.Clone(text[max(0, len(text)-4000):])
}

// command runs a command of the program on the world's configuration to its end.
func (w *world) command(stdin string, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), program, append(args, "-c", w.config)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("deskstream %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// outage lets the calls of an op at the stub of Trengo fail with a status; 0 ends it.
func (w *world) outage(op string, status int) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, fmt.Sprintf("%s/_stub/outage?destination=trengo&op=%s&status=%d", w.desk, strings.ReplaceAll(op, " ", "+"), status), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		w.t.Fatalf("the stub answers %s", response.Status)
	}
}

// until waits for a condition, and fails the test when it does not hold in time, with what was seen
// last.
func until(t testing.TB, holds func() (seen string, ok bool)) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		seen, ok := holds()
		if ok {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it did not come in time; in the end there is\n%s", seen)
		}
	}
}

// with is the world for a part of its test.
func (w *world) with(t testing.TB) *world {
	part := *w
	part.t = t
	return &part
}

// produce writes events to the source topic. What is none is written too.
func (w *world) produce(events string) {
	w.t.Helper()
	w.command(events, "produce", "--raw", "-")
}

// causes are the lines of dlq list that say how many letters a cause has.
var causes = regexp.MustCompile(`(?m)^[0-9a-f]+  (\d+) letters?  `)

// untilLetters waits for so many open letters.
func (w *world) untilLetters(n int) {
	w.t.Helper()
	until(w.t, func() (string, bool) {
		list, found := w.command("", "dlq", "list"), 0
		for _, m := range causes.FindAllStringSubmatch(list, -1) {
			count, _ := strconv.Atoi(m[1])
			found += count
		}
		return list, found == n
	})
}

// tickets is how many tickets the stub of Trengo holds.
func (w *world) tickets() int {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.desk+"/_stub/tickets?destination=trengo", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return bytes.Count(text, []byte("\n"))
}
