package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/desk/all"
)

// startCommand runs a command until the test ends and gives its standard output and
// its exit code.
func startCommand(t *testing.T, args ...string) (stdout *bufio.Reader, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		got := run(ctx, args, os.LookupEnv, streams{strings.NewReader(""), w, t.Output()})
		_ = w.Close() // a pipe's Close never fails
		code <- got
	}()
	stop = func() int {
		cancel()
		_, _ = io.Copy(io.Discard, r) // what is still printed; the end of the pipe is no error
		return <-code
	}
	return bufio.NewReader(r), stop
}

func TestStub_servesAllUntilItIsStopped(t *testing.T) {
	t.Parallel()
	stdout, stop := startCommand(t, "stub", "--listen", "127.0.0.1:0", "--token", "good")
	addresses := map[string]string{}
	for range len(all.Kinds()) + 1 {
		line, err := stdout.ReadString('\n')
		name, address, found := strings.Cut(strings.TrimSpace(line), " ")
		if err != nil || !found {
			t.Fatalf("the stub printed %q, %v", line, err)
		}
		addresses[name] = strings.TrimSpace(address)
	}
	for _, c := range []struct {
		url, token string
		want       int
	}{
		{addresses["trengo"] + "/contacts", "good", 200},
		{addresses["kustomer"] + "/v1/users/current", "good", 200},
		{addresses["kustomer"] + "/v1/users/current", "bad", 401},
		{addresses["webhook"] + "/in", "good", 405},
		{addresses["received"], "", 200},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.token)
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // only the status counts
		if resp.StatusCode != c.want {
			t.Errorf("%s with %q answered %d, want %d", c.url, c.token, resp.StatusCode, c.want)
		}
	}
	if code := stop(); code != exitOK {
		t.Errorf("the exit code after a stop is %d, want 0", code)
	}
}

func TestStub_refusesWrongUse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want int
		says string
	}{
		{[]string{"stub", "--fail-rate", "2"}, exitUsage, "fail rate"},
		{[]string{"stub", "--late-effects", "-1s"}, exitUsage, "late effects"},
		{[]string{"stub", "--lost-answers", "0.6", "--late-answers", "0.6"}, exitUsage, "lost answers"},
		{[]string{"stub", "--user", "good=0"}, exitUsage, "user"},
		{[]string{"stub", "--channel", "1=PIGEON"}, exitUsage, "PIGEON"},
		{[]string{"stub", "extra"}, exitUsage, "extra"},
		{[]string{"stub", "--listen", "256.0.0.1:1"}, exitFault, "listening"},
	} {
		runCommand(t, "", c.args...).want(t, c.want, "", c.says)
	}
}

func TestStub_itsFlagsHideWhatTookEffect(t *testing.T) {
	t.Parallel()
	stdout, stop := startCommand(t, "stub", "--listen", "127.0.0.1:0", "--user", "agent=8", "--lost-answers", "0.25", "--late-answers", "0.5", "--silence", "1ms",
		"--late-effects", "1ms", "--list-lag", "1h", "--clock-offset", "-24h", "--null-subjects")
	line, err := stdout.ReadString('\n')
	base := strings.TrimSpace(strings.TrimPrefix(line, "trengo"))
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, path, body string) (map[string]any, http.Header) {
		t.Helper()
		var req *http.Request
		if req, err = http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer agent")
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, nil
		}
		var answer map[string]any
		err = json.NewDecoder(resp.Body).Decode(&answer)
		_ = resp.Body.Close() // it was read
		if err != nil {
			t.Fatal(err)
		}
		return answer, resp.Header
	}
	var ticket map[string]any
	for range 100 { // some answers are lost
		if contact, _ := call("POST", "/channels/123456/contacts", `{"identifier":"a@example.com"}`); contact != nil {
			ticket, _ = call("POST", "/tickets", fmt.Sprintf(`{"contact_id":%.0f,"channel_id":123456,"subject":"Help"}`, contact["id"]))
		}
		if ticket != nil {
			break
		}
	}
	list, header := call("GET", "/tickets", "")
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil || time.Since(date) < 23*time.Hour {
		t.Errorf("the date is %v, %v, want that of yesterday", date, err)
	}
	if ticket == nil || ticket["user_id"] != 8.0 || ticket["subject"] != nil || len(list["data"].([]any)) != 0 {
		t.Errorf("the ticket is %v, the list %v", ticket, list)
	}
	if code := stop(); code != exitOK {
		t.Errorf("the exit code is %d", code)
	}
}
