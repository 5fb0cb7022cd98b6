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
	"github.com/deskstream/deskstream/internal/status"
	"github.com/deskstream/deskstream/sink"
)

// How many lanes /lanes shows unless it is asked for another number, and at most.
const (
	lanesShown = 20
	maxLanes   = 1000
)

// serveLanes shows the lanes that wait longest, and how many lanes have an open event.
func (s *Service) serveLanes(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("n"), strconv.Itoa(lanesShown)))
	if err != nil || n < 1 || n > maxLanes {
		http.Error(w, "n is a number from 1 to "+strconv.Itoa(maxLanes), http.StatusBadRequest)
		return
	}
	rows, open := s.WaitingLanes(n)
	w.Header().Set("Content-Type", "application/json")
	_ = writeLanes(w, open, rows) // the reader went away: nobody to tell
}

// WaitingLanes returns the n lanes that wait longest, and how many lanes have an open event.
func (s *Service) WaitingLanes(n int) (rows []status.Lane, open int) {
	rows = []status.Lane{}
	for _, p := range s.pipelines {
		lanes, all := p.WaitingLanes(n)
		open += all
		for _, l := range lanes {
			rows = append(rows, status.Lane{
				Destination: p.Config.Name, Lane: strings.ToValidUTF8(l.Lane[:min(len(l.Lane), sink.MaxText)], ""), Since: l.Since.UTC(),
				Seconds: time.Since(l.Since).Round(time.Millisecond).Seconds(), Why: l.Why, Hold: l.Hold, Code: string(l.Code),
				Behind: l.Behind, Topic: l.Topic, Partition: l.Partition, Offset: l.Offset,
			})
		}
	}
	slices.SortStableFunc(rows, func(a, b status.Lane) int { return a.Since.Compare(b.Since) })
	return rows[:min(n, len(rows))], open
}

// writeLanes writes rows for people, who ask for them at a terminal.
func writeLanes(w io.Writer, open int, rows []status.Lane) error {
	enc := json.NewEncoder(output.Writer{To: w})
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{"open_lanes": open, "lanes": rows})
}
