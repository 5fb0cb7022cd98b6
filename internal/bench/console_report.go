package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// report writes the medians with the least and the greatest, and PASS or FAIL with the ratios as the last
// line. A ratio is the median of those of runs that were neighbours in time. The goal is about consoleRate:
// at another rate ratios are shown and not judged, since what the page takes depends on the time and hardly
// on the rate.
func (b *consoleBench) report(w io.Writer, cases []consoleCase) error {
	var text strings.Builder
	fmt.Fprintf(&text, "\nMedians of %d runs each, with the least and the greatest; ratios of neighbours.\n\n"+
		"| case | live page | events/s | of closed | CPU s per 100,000 | of closed | rows shown/s | overview p50, ms | p99, ms |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n", b.rounds)
	v := verdict{passed: true}
	pipeline := 0.0 // CPU time of a pipeline per 100,000 events
	for _, c := range cases {
		n := float64(b.events)
		if c.alone {
			n = float64(consoleRate * b.seconds)
		}
		per100k := func(r looked) float64 { return cpu(r.Result) * 100_000 / n }
		speed := func(r looked) float64 { return r.PerSecond }
		p50, p99 := pageWaits(c.with)
		ratio := pairs(c, per100k)
		fmt.Fprintf(&text, "| %s | closed | %s | | %s | | | | |\n", c.name, of(c.without, speed).with(0), of(c.without, per100k).with(2))
		fmt.Fprintf(&text, "| %s | open | %s | %s | %s | %s | %.0f | %.1f | %.1f |\n", c.name, of(c.with, speed).with(0), pairs(c, speed).with(3),
			of(c.with, per100k).with(2), ratio.with(3), of(c.with, func(r looked) float64 { return r.rows }).median, milliseconds(p50), milliseconds(p99))
		if !c.alone {
			pipeline = of(c.without, per100k).median
		}
		if c.alone && pipeline > 0 {
			takes := of(c.with, per100k).median - of(c.without, per100k).median
			v.judge(fmt.Sprintf("CPU time at %d outcomes/s, the page's beside the pipeline's", consoleRate), 1+takes/pipeline, mostLoss)
		}
		if c.rate >= consoleRate && !c.alone {
			v.judge(fmt.Sprintf("CPU time at %.0f events/s", c.rate), ratio.median, mostLoss)
		}
		if c.rate > 0 {
			v.judge("overview p99 of "+c.name+" in s", p99.Seconds(), mostPageWait.Seconds())
		}
	}
	return v.write(w, text.String())
}

// verdict is what the last line says.
type verdict struct {
	ratios []string
	passed bool
}

func (v *verdict) judge(what string, value, most float64) {
	v.ratios = append(v.ratios, fmt.Sprintf("%s %.3f (at most %.2f)", what, value, most))
	v.passed = v.passed && value <= most
}

func (v *verdict) write(w io.Writer, text string) error {
	word := "PASS"
	if !v.passed {
		word = "FAIL"
	}
	if _, err := fmt.Fprintf(w, "%s\n%s: %s\n", text, word, strings.Join(v.ratios, ", ")); err != nil {
		return err
	}
	if !v.passed {
		return errors.New("the console does not reach its goals")
	}
	return nil
}

// pairs are the ratios of a run with the page and the one without that was its neighbour.
func pairs(c consoleCase, figure func(looked) float64) figures {
	ratios := make([]float64, len(c.with))
	for i := range c.with {
		if other := figure(c.without[i]); other > 0 {
			ratios[i] = figure(c.with[i]) / other
		}
	}
	return figuresOf(ratios)
}

// pageWaits are how long the overview took, of all runs together.
func pageWaits(runs []looked) (p50, p99 time.Duration) {
	var all []time.Duration
	for _, r := range runs {
		all = append(all, r.waits...)
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}
