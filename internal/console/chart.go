package console

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A chart is an SVG of one hour, drawn on the server: classes and the colors of the page's style, no
// style of its own, which the policy refuses. The libraries for charts that were looked at write a style
// with fixed colors to each element, or draw in the browser only.
type chart struct {
	Title string
	// Summary says in words what the lines show.
	Summary string
	Lines   []chartLine
	// Bands are the times of holds.
	Bands []band
}

type chartLine struct {
	Name, Class string
	Parts       []string // points of polylines: a gap ends one
}

type band struct{ X, Width string }

// The size of a chart, in units of its own.
const (
	chartWidth  = 300
	chartHeight = 60
)

// value is that of a minute; ok is false for none.
type value func(m *minute) (v float64, ok bool)

// series is one line of a chart before it is drawn.
type series struct {
	name  string
	value value
	text  func(float64) string
}

// drawn is a chart of series, and their hours.
func drawn(title string, list [60]minute, now time.Time, all ...series) (c chart, ok bool) {
	c.Title = title
	top := 0.0
	for _, s := range all {
		for i := range list {
			if v, ok := s.value(&list[i]); ok {
				top = max(top, v)
			}
		}
	}
	var words []string
	for i, s := range all {
		line := chartLine{Name: s.name, Class: "line-" + number(i+1), Parts: partsOf(list, s.value, top)}
		text := s.summary(list, now)
		if text == "" {
			continue
		}
		words, c.Lines = append(words, text), append(c.Lines, line)
	}
	c.Summary, c.Bands = strings.Join(words, "; "), bandsOf(list)
	return c, len(c.Lines) > 0
}

// summary says what a line shows, "" for a line without a value.
func (s *series) summary(list [60]minute, now time.Time) string {
	most, last, at, known := math.Inf(-1), 0.0, 0, false
	for i := range list {
		if v, ok := s.value(&list[i]); ok {
			if last, known = v, true; v > most {
				most, at = v, i
			}
		}
	}
	if !known {
		return ""
	}
	text := s.name + " " + s.text(last)
	if most > last {
		begin := now.Add(-time.Duration(len(list)-1-at) * time.Minute)
		text += ", at most " + s.text(most) + " at " + begin.UTC().Format("15:04")
	}
	return text
}

func partsOf(list [60]minute, v value, top float64) (parts []string) {
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			parts = append(parts, b.String())
			b.Reset()
		}
	}
	for i := range list {
		y, ok := v(&list[i])
		if !ok {
			end()
			continue
		}
		if top > 0 {
			y /= top
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		} else if i+1 == len(list) || !has(v, &list[i+1]) { // one value alone is a short line
			fmt.Fprintf(&b, "%s,%s ", coordinate(xOf(i)-2), coordinate(chartHeight-1-y*(chartHeight-4)))
		}
		fmt.Fprintf(&b, "%s,%s", coordinate(xOf(i)), coordinate(chartHeight-1-y*(chartHeight-4)))
	}
	end()
	return parts
}

func has(v value, m *minute) bool {
	_, ok := v(m)
	return ok
}

// xOf is where a minute is on the chart.
func xOf(i int) float64 { return float64(i+1) * chartWidth / 60 }

func coordinate(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func bandsOf(list [60]minute) (bands []band) {
	for i := 0; i < len(list); i++ {
		from := i
		for i < len(list) && list[i].held {
			i++
		}
		if i > from {
			bands = append(bands, band{coordinate(xOf(from - 1)), coordinate(xOf(i-1) - xOf(from-1))})
		}
	}
	return bands
}

func rateText(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) + " a second" }

func countText(v float64) string { return thousands(int64(v)) }

func shareText(v float64) string { return strconv.FormatFloat(100*v, 'f', 0, 64) + " %" }

// The series of a destination.
var (
	rateIn  = series{"in", func(m *minute) (float64, bool) { return m.in, m.rated > 0 }, rateText}
	rateOut = series{"out", func(m *minute) (float64, bool) { return m.out, m.rated > 0 }, rateText}
	lagOf   = series{"lag", func(m *minute) (float64, bool) { return float64(m.lag), m.known > 0 }, countText}
	deadOf  = series{"dead in a minute", func(m *minute) (float64, bool) { return float64(m.dead), m.running > 0 }, countText}
	usedOf  = series{"used", func(m *minute) (float64, bool) { return m.budget, m.running > 0 }, shareText}
)
