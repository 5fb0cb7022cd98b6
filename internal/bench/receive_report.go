package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// The goals of receive beside the raw loop.
const (
	leastPerSecond = 0.85
	mostP99        = 1.25
	mostMiB        = 64
)

// received is one run of one receiver.
type received struct {
	flood, paced sent
	mib          float64       // resident memory at most
	cpu, all     time.Duration // CPU time, start included: of the receiver, and with that of sender and embedded broker
	webhooks     int
}

// per is CPU time in seconds for 100,000 webhooks.
func (r received) per(cpu time.Duration) float64 { return cpu.Seconds() / float64(r.webhooks) * 1e5 }

// columns are what is compared of runs.
var columns = []struct {
	title  string
	format string
	of     func(received) float64
}{
	{"requests/s", "%.0f", func(r received) float64 { return r.flood.perSecond }},
	{"p99 of these, ms", "%.1f", func(r received) float64 { return milliseconds(r.flood.p99) }},
	{"p50 at the rate, ms", "%.2f", func(r received) float64 { return milliseconds(r.paced.p50) }},
	{"p99 at the rate, ms", "%.2f", func(r received) float64 { return milliseconds(r.paced.p99) }},
	{"peak RSS, MiB", "%.1f", func(r received) float64 { return r.mib }},
	{"CPU s for 100,000", "%.2f", func(r received) float64 { return r.per(r.cpu) }},
	{"with sender and broker", "%.2f", func(r received) float64 { return r.per(r.all) }},
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// report writes the medians, and PASS or FAIL with the ratios as the last line.
func (b *receiveBench) report(w io.Writer, runs map[string][]received, rate float64) error {
	var text strings.Builder
	fmt.Fprintf(&text, "\nMedians of %d runs each, %d webhooks over %d connections, then at %.0f a second for %s.\n\n|", b.rounds, len(b.requests), b.connections, rate, b.pacedFor)
	for _, c := range columns {
		text.WriteString(" | " + c.title)
	}
	text.WriteString(" |\n|" + strings.Repeat(" --- |", len(columns)+1) + "\n")
	for _, r := range b.receivers {
		text.WriteString("| " + r.name)
		for _, c := range columns {
			fmt.Fprintf(&text, " | "+c.format, of(runs[r.name], c.of).median)
		}
		text.WriteString(" |\n")
	}
	perSecond := func(r received) float64 { return r.flood.perSecond }
	paced99 := func(r received) float64 { return float64(r.paced.p99) }
	share, p99 := of(runs[ours], perSecond).median/of(runs[rawLoop], perSecond).median, of(runs[ours], paced99).median/of(runs[rawLoop], paced99).median
	mib := of(runs[ours], func(r received) float64 { return r.mib }).median
	verdict := "PASS"
	if share < leastPerSecond || p99 > mostP99 || mib >= mostMiB {
		verdict = "FAIL"
	}
	fmt.Fprintf(&text, "\n%s: requests a second %.3f (at least %.2f), p99 %.3f (at most %.2f), %.1f MiB (below %d)\n", verdict, share, leastPerSecond, p99, mostP99, mib, mostMiB)
	if _, err := io.WriteString(w, text.String()); err != nil {
		return err
	}
	if verdict == "FAIL" {
		return errors.New("receive does not reach its goals")
	}
	return nil
}
