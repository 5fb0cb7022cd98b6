package service

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

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
)

// Instance is a running instance, asked at its admin listener.
type Instance struct{ base string }

// URL is the address of its admin listener, without a slash at the end.
func (i Instance) URL() string { return i.base }

// InstanceAt returns the instance at an address that a person gave. The scheme may be left out.
func InstanceAt(address string) (Instance, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return Instance{}, errors.New("it must be an address like http://127.0.0.1:9401")
	}
	return Instance{strings.TrimRight(address, "/")}, nil
}

// InstanceOf returns the instance on this machine that runs with a file. The error is a
// *config.UsageError where the file does not say where it listens.
func InstanceOf(file string, cfg *config.Config) (Instance, error) {
	host, port, err := net.SplitHostPort(cfg.HTTP.Admin)
	switch {
	case cfg.HTTP.Admin == "":
		return Instance{}, &config.UsageError{Err: fmt.Errorf("http.admin of %s is off: set it, restart the instance and try again", file)}
	case err != nil:
		return Instance{}, fmt.Errorf("reading http.admin of %s: %w", file, err)
	case port == "0":
		return Instance{}, &config.UsageError{Err: fmt.Errorf("http.admin of %s has port 0: give --admin the address that the instance logged", file)}
	}
	// An instance that listens on every address is asked on this machine.
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return Instance{"http://" + net.JoinHostPort(host, port)}, nil
}

// adminTimeout bounds a request to an admin listener, and maxAdminAnswer its response, in bytes.
const (
	adminTimeout   = 10 * time.Second
	maxAdminAnswer = 1 << 20
)

// Hold has the instance put a destination on hold. The answer has an Error when it is already.
func (i Instance) Hold(ctx context.Context, destination string) (HoldAnswer, error) {
	return i.turn(ctx, "hold", destination)
}

// Resume has the instance end a hold. The answer has an Error when there is none.
func (i Instance) Resume(ctx context.Context, destination string) (HoldAnswer, error) {
	return i.turn(ctx, "resume", destination)
}

func (i Instance) turn(ctx context.Context, verb, destination string) (HoldAnswer, error) {
	var said HoldAnswer
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.base+"/destinations/"+url.PathEscape(destination)+"/"+verb, nil)
	if err != nil {
		return HoldAnswer{}, fmt.Errorf("asking the instance at %s: %w", i.base, err)
	}
	req.Close = true // there is no second request
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return HoldAnswer{}, fmt.Errorf("asking the instance at %s: %s: check that it runs and that this is its http.admin", i.base, output.Transport(err))
	}
	defer resp.Body.Close()
	err = json.NewDecoder(io.LimitReader(resp.Body, maxAdminAnswer)).Decode(&said)
	switch {
	case err != nil || said.Destination == "" && said.Error == "":
		return HoldAnswer{}, fmt.Errorf("asking the instance at %s: its response (%s) is not from an admin listener: check the address", i.base, resp.Status)
	case resp.StatusCode == http.StatusNotFound:
		return HoldAnswer{}, &config.UsageError{Err: fmt.Errorf("destination %q: %s", destination, said.Error)}
	case said.Error != "" && resp.StatusCode != http.StatusConflict:
		return HoldAnswer{}, fmt.Errorf("destination %s: %s", destination, said.Error)
	}
	return said, nil
}
