package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/service"
)

func newHoldCommand(a *app) *cobra.Command {
	return newSwitchCommand(a, "hold", &cobra.Command{
		Short: "Stops the calls of one destination in a running instance",
		Long: `hold stops the calls of one destination in the instance at --admin. Calls in
flight complete, events wait, and none becomes a dead letter because of it. Only resume
or a restart of the instance ends it.

It applies to that instance only. -c FILE finds the address in http.admin, which is
right for an instance on this machine that reads the same file.`,
		Example: `  deskstream hold crm -c deskstream.yaml
  deskstream hold crm --admin http://10.0.0.7:9401`,
	})
}

func newResumeCommand(a *app) *cobra.Command {
	return newSwitchCommand(a, "resume", &cobra.Command{
		Short: "Starts the calls of one destination in a running instance again",
		Long: `resume ends the hold of one destination in the instance at --admin, whether a
person, the breaker or a response of the API began it. After a hold of the breaker the
count starts at zero. A hold whose cause is still there begins again with the next call.
A limit that the API has said is used up is waited for anyway.`,
		Example: `  deskstream resume crm -c deskstream.yaml
  deskstream resume crm --admin http://10.0.0.7:9401`,
	})
}

// newSwitchCommand completes hold or resume.
func newSwitchCommand(a *app, verb string, cmd *cobra.Command) *cobra.Command {
	cmd.Use = verb + " DESTINATION [-c FILE] [--admin URL]"
	cmd.Args = cobra.ExactArgs(1)
	path := configFlag(cmd)
	admin := cmd.Flags().String("admin", "", "the `URL` of the instance's admin listener (default: http.admin of the file)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		base, err := a.adminURL(*admin, *path)
		if err != nil {
			return err
		}
		said, err := askAdmin(cmd.Context(), base, verb, args[0])
		if err != nil {
			return err
		}
		var text strings.Builder
		switch {
		case said.Error != "": // it is so already: a loop over instances goes on
			output.Printf(&text, "%s: %s\n", said.Destination, said.Error)
		case verb == "hold":
			output.Printf(&text, "%s is on hold until it is resumed or the instance restarts\n", said.Destination)
		default:
			output.Printf(&text, "%s is resumed; it was on hold since %s (%s)\n", said.Destination, said.HeldSince, said.Hold)
		}
		_, err = io.WriteString(a.stdout, text.String())
		return err
	}
	return cmd
}

// adminURL is where the admin listener is: as the flag says, or else the file.
func (a *app) adminURL(flag, path string) (string, error) {
	if flag != "" {
		if !strings.Contains(flag, "://") {
			flag = "http://" + flag
		}
		u, err := url.Parse(flag)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return "", &config.FlagError{Err: errors.New("--admin must be an address like http://127.0.0.1:9401")}
		}
		return strings.TrimRight(flag, "/"), nil
	}
	path, err := a.configPath(path)
	if err != nil {
		return "", &config.FlagError{Err: errors.New("no instance is named: give --admin URL, or -c FILE to find it in http.admin")}
	}
	cfg, err := a.loadConfig(path)
	if err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(cfg.HTTP.Admin)
	switch {
	case cfg.HTTP.Admin == "":
		return "", &config.UsageError{Err: fmt.Errorf("http.admin of %s is off: set it, restart the instance and try again", path)}
	case err != nil:
		return "", fmt.Errorf("reading http.admin of %s: %w", path, err)
	case port == "0":
		return "", &config.UsageError{Err: fmt.Errorf("http.admin of %s has port 0: give --admin the address that the instance logged", path)}
	}
	// An instance that listens on every address is asked on this machine.
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// adminTimeout bounds a request to an admin listener, and maxAdminAnswer its answer.
const (
	adminTimeout   = 10 * time.Second
	maxAdminAnswer = 1 << 20
)

// askAdmin has an instance hold or resume a destination. The answer has an Error when
// that is so already.
func askAdmin(ctx context.Context, base, verb, destination string) (service.HoldAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/destinations/"+url.PathEscape(destination)+"/"+verb, nil)
	if err != nil {
		return service.HoldAnswer{}, &config.FlagError{Err: fmt.Errorf("--admin: %w", err)}
	}
	req.Close = true // there is no second request
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return service.HoldAnswer{}, fmt.Errorf("asking the instance at %s: %s: check that it runs and that this is its http.admin", base, output.Transport(err))
	}
	defer resp.Body.Close()
	var said service.HoldAnswer
	err = json.NewDecoder(io.LimitReader(resp.Body, maxAdminAnswer)).Decode(&said)
	switch {
	case err != nil || said.Destination == "" && said.Error == "":
		return service.HoldAnswer{}, fmt.Errorf("asking the instance at %s: its response (%s) is not from an admin listener: check the address", base, resp.Status)
	case resp.StatusCode == http.StatusNotFound:
		return service.HoldAnswer{}, &config.UsageError{Err: fmt.Errorf("destination %q: %s", destination, said.Error)}
	case said.Error != "" && resp.StatusCode != http.StatusConflict:
		return service.HoldAnswer{}, fmt.Errorf("destination %s: %s", destination, said.Error)
	}
	return said, nil
}
