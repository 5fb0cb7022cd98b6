package service

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
)

// How many lanes /lanes shows unless it is asked for another number, and at most.
const (
	lanesShown = 20
	maxLanes   = 1000
)

// WaitingLane is a row of /lanes. It shows whose events wait, and nothing of them.
type WaitingLane struct {
	Destination string    `json:"destination"`
	Lane        string    `json:"lane"`
	Since       time.Time `json:"since"`
	Seconds     float64   `json:"seconds"`
	Why         string    `json:"why"`
	Hold        string    `json:"hold,omitempty"`
	Code        string    `json:"code,omitempty"`
	Behind      int       `json:"behind"`
	Topic       string    `json:"topic"`
	Partition   int32     `json:"partition"`
	Offset      int64     `json:"offset"`
}

// serveLanes shows the lanes that wait longest, and how many lanes have an open event.
func (s *Service) serveLanes(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("n"), strconv.Itoa(lanesShown)))
	if err != nil || n < 1 || n > maxLanes {
		http.Error(w, "n is a number from 1 to "+strconv.Itoa(maxLanes), http.StatusBadRequest)
		return
	}
	rows, open := []WaitingLane{}, 0
	for _, p := range s.pipelines {
		lanes, all := p.WaitingLanes(n)
		open += all
		for _, l := range lanes {
			rows = append(rows, WaitingLane{
				Destination: p.Config.Name, Lane: strings.ToValidUTF8(l.Lane[:min(len(l.Lane), sink.MaxText)], ""), Since: l.Since.UTC(),
				Seconds: time.Since(l.Since).Round(time.Millisecond).Seconds(), Why: l.Why, Hold: l.Hold, Code: string(l.Code),
				Behind: l.Behind, Topic: l.Topic, Partition: l.Partition, Offset: l.Offset,
			})
		}
	}
	slices.SortStableFunc(rows, func(a, b WaitingLane) int { return a.Since.Compare(b.Since) })
	w.Header().Set("Content-Type", "application/json")
	_ = writeLanes(w, open, rows[:min(n, len(rows))]) // the reader went away: nobody to tell
}

// writeLanes writes rows for people, who ask for them at a terminal.
func writeLanes(w io.Writer, open int, rows []WaitingLane) error {
	enc := json.NewEncoder(output.Writer{To: w})
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{"open_lanes": open, "lanes": rows})
}
