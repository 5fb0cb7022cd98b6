package status

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/output"
)

// Pipeline is what an instance knows of one of its destinations: its admin listener answers with it.
type Pipeline struct {
	Destination string `json:"destination"`
	Joined      bool   `json:"joined"`
	Partitions  int    `json:"partitions"`
	Open        int64  `json:"open"`
	InFlight    int    `json:"in_flight"`
	// Delivered, Skipped and Dead are the events that were settled since the process began.
	Delivered int64 `json:"delivered"`
	Skipped   int64 `json:"skipped"`
	Dead      int64 `json:"dead"`
	// Hold is the reason of a hold, "" without one.
	Hold      string `json:"hold,omitempty"`
	HeldSince string `json:"held_since,omitempty"`
	// HoldCause and HoldNext say for people what the hold means and what to do.
	HoldCause string `json:"hold_cause,omitempty"`
	HoldNext  string `json:"hold_next,omitempty"`
	// HoldHere reports whether the hold is an operator's that is not on record: of this instance only, and
	// until its end.
	HoldHere bool `json:"hold_here,omitempty"`
	// NextProbe is the earliest time of the next probe, "" where none comes.
	NextProbe string `json:"next_probe,omitempty"`
	// Paused is the limit that intake waits for, Trouble what Kafka refuses.
	Paused  string `json:"paused,omitempty"`
	Trouble string `json:"trouble,omitempty"`
	// OldestSeconds is the age of the oldest open event.
	OldestSeconds float64 `json:"oldest_seconds"`
	Budget        Budget  `json:"budget"`
	// Priorities say what of the instance's configuration makes events more or less urgent, "" for
	// nothing; ByPriority are the open events then, the most urgent first.
	Priorities string     `json:"priorities,omitempty"`
	ByPriority []Priority `json:"by_priority,omitempty"`
}

// Priority is what waits of one priority.
type Priority struct {
	Name string `json:"name"`
	Open int64  `json:"open"`
	// OldestSeconds is the age of the oldest open event.
	OldestSeconds float64 `json:"oldest_seconds"`
}

// Budget is an instance's part of a rate budget.
type Budget struct {
	// Calls in each WindowSeconds are the instance's own, Share of the whole limit.
	Calls         float64 `json:"calls"`
	WindowSeconds float64 `json:"window_seconds"`
	Share         float64 `json:"share"`
	// WaitSeconds is how long the next call waits, UsedUp whether for a limit that the desk says is
	// used up.
	WaitSeconds float64 `json:"wait_seconds"`
	UsedUp      bool    `json:"used_up"`
	// Used calls were made in the latest window; more than Calls when others left some over.
	Used int `json:"used"`
	// Waiting events are on their way and wait for a call.
	Waiting int `json:"waiting"`
}

// Answer is the answer of an instance.
type Answer struct {
	Version   string     `json:"version"`
	Pipelines []Pipeline `json:"pipelines"`
}

// Instance is an instance that was asked.
type Instance struct {
	URL   string `json:"url"`
	Error string `json:"error,omitempty"`
	Answer
}

const (
	askTimeout = 5 * time.Second
	maxAnswer  = 4 << 20
)

// Ask asks the instance whose admin listener has an address. What goes wrong is in its Error.
func Ask(ctx context.Context, url string) Instance {
	i := Instance{URL: url}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(url, "/")+"/status", nil)
	if err != nil {
		i.Error = "its address is no URL"
		return i
	}
	req.Close = true // there is no second request
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		i.Error = output.Transport(err)
		return i
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		i.Error = fmt.Sprintf("its response (%s) is not from an admin listener of this version", resp.Status)
		return i
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&i.Answer); err != nil {
		i.Error = "its response is not from an admin listener"
	}
	return i
}
