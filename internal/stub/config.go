package stub

import (
	"errors"
	"fmt"
	"time"
)

// Config is how the help desks behave.
type Config struct {
	// Seed decides which calls fail and how long each one takes.
	Seed uint64
	// Latency passes before every answer. Default 0.
	Latency time.Duration
	// Jitter is the most that is added to Latency, by a hash of the call. Default 0.
	Jitter time.Duration
	// FailRate is the share of authorized calls, 0 to 1, that get no usable answer: 500,
	// 503, a connection that is cut before or after the effect, or silence. Default 0.
	FailRate float64
	// Silence is how long a call without an answer is held before its connection is
	// cut, and one with a late answer before that. Default 2s.
	Silence time.Duration
	// Limit is how many calls a budget has in a Window: each token has one, or the whole
	// organization. Default 60,000.
	Limit int
	// Window is the length of the window that Limit counts in. Fixed windows begin at
	// multiples of it since the Unix epoch. Default 1m.
	Window time.Duration
	// Sliding counts in the window that ends with the call instead of in fixed ones.
	Sliding bool
	// Tokens are the bearer tokens accepted, besides those of Users. None: every token is.
	Tokens []string
	// Users are the users that bearer tokens belong to, by token, where a desk's objects
	// have makers. All other tokens belong to one user, which the desk chooses.
	Users map[string]int64
	// Quirks are what every desk has at first; see Desk.SetQuirks.
	Quirks Quirks
	// KeepBodies keeps the bodies of the calls received. Default: they are dropped.
	KeepBodies bool
}

func (c Config) withDefaults() Config {
	if c.Silence == 0 {
		c.Silence = 2 * time.Second
	}
	if c.Limit == 0 {
		c.Limit = 60000
	}
	if c.Window == 0 {
		c.Window = time.Minute
	}
	return c
}

// Validate returns all errors in the configuration, joined.
func (c Config) Validate() error {
	errs := []error{c.Quirks.validate()}
	if c.FailRate < 0 || c.FailRate > 1 {
		errs = append(errs, fmt.Errorf("the fail rate is %v, not a share of 0 to 1", c.FailRate))
	}
	if c.Limit < 0 {
		errs = append(errs, fmt.Errorf("the limit is %d, less than 0", c.Limit))
	}
	for _, id := range c.Users {
		if id <= 0 {
			errs = append(errs, fmt.Errorf("the user %d is not a positive number", id))
		}
	}
	for name, d := range map[string]time.Duration{
		"latency": c.Latency, "jitter": c.Jitter, "silence": c.Silence, "window": c.Window,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("the %s is %v, less than 0", name, d))
		}
	}
	return errors.Join(errs...)
}
