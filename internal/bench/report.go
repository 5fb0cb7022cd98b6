package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// row is a case with the runs of both programs.
type row struct {
	c     Case
	flood map[string][]Result // by the program's name
	paced map[string][]Result
	rate  float64 // of the paced runs
}

// figures are the median of some values with the least and the greatest.
type figures struct{ median, least, most float64 }

func of[T any](runs []T, figure func(T) float64) figures {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = figure(r)
	}
	return figuresOf(values)
}

func figuresOf(values []float64) figures {
	slices.SortFunc(values, cmp.Compare)
	return figures{median: values[len(values)/2], least: values[0], most: values[len(values)-1]}
}

// with writes the figures with so many decimals.
func (f figures) with(decimals int) string {
	return fmt.Sprintf("%.*f (%.*f to %.*f)", decimals, f.median, decimals, f.least, decimals, f.most)
}

func perSecond(r Result) float64 { return r.PerSecond }
func cpu(r Result) float64       { return r.CPU.Seconds() }
func peak(r Result) float64      { return float64(r.Peak) / (1 << 20) }
func p50(r Result) float64       { return float64(r.P50) / float64(time.Millisecond) }
func p99(r Result) float64       { return float64(r.P99) / float64(time.Millisecond) }

// report writes the comparison as two tables in Markdown.
func report(w io.Writer, rows []row, programs []program, events int) error {
	var text strings.Builder
	other := programs[1].name
	fmt.Fprintf(&text, "| case | program | events/s | of the %[1]s's | CPU s per 100,000 | of the %[1]s's | peak RSS, MiB | of the %[1]s's | out of order | repeated |\n"+
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n", other)
	per100k := func(r Result) float64 { return cpu(r) * 100000 / float64(events) }
	for _, row := range rows {
		for _, p := range programs {
			ours, theirs := row.flood[p.name], row.flood[other]
			fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s | %.0f | %s | %d | %d |\n", row.c, p.name,
				of(ours, perSecond).with(0), ratio(ours, theirs, perSecond), of(ours, per100k).with(2), ratio(ours, theirs, cpu),
				of(ours, peak).median, ratio(ours, theirs, peak), sum(ours, disorder), sum(ours, duplicates))
		}
	}
	text.WriteString("\n| case | program | events/s offered | p50, ms | p99, ms |\n| --- | --- | --- | --- | --- |\n")
	for _, row := range rows {
		for _, p := range programs {
			if results := row.paced[p.name]; len(results) > 0 {
				fmt.Fprintf(&text, "| %s | %s | %.0f | %s | %s |\n", row.c, p.name, row.rate, of(results, p50).with(0), of(results, p99).with(0))
			}
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// ratio compares medians.
func ratio(ours, theirs []Result, figure func(Result) float64) string {
	return fmt.Sprintf("%.3f", of(ours, figure).median/of(theirs, figure).median)
}

func disorder(r Result) int   { return r.Disorder }
func duplicates(r Result) int { return r.Duplicates }

func sum(results []Result, figure func(Result) int) int {
	n := 0
	for _, r := range results {
		n += figure(r)
	}
	return n
}
