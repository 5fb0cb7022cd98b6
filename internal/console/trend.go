package console

import (
	"fmt"
	"strings"
)

// trend is how many letters a cause had in the last day.
type trend struct {
	Words string
	// Points are those of a small line, by hour; "" without a letter.
	Points string
}

// The size of the line of a trend, in units of its own.
const (
	trendStep   = 4
	trendHeight = 18
)

// trendOf says how many letters there were, and whether they become more: the last three hours beside
// the three before.
func trendOf(hours [24]int) trend {
	day, top := 0, 0
	for _, n := range hours {
		day, top = day+n, max(top, n)
	}
	if day == 0 {
		return trend{Words: "none in the last day"}
	}
	last, before := sum(hours[21:]), sum(hours[18:21])
	turn := "as many as before"
	switch {
	case last > before:
		turn = "more than before"
	case last < before:
		turn = "fewer than before"
	}
	t := trend{Words: fmt.Sprintf("%s in the last day, %s in the last 3 hours, %s in the 3 before: %s", thousands(day), thousands(last), thousands(before), turn)}
	var b strings.Builder
	for i, n := range hours {
		fmt.Fprintf(&b, "%d,%d ", i*trendStep, trendHeight-1-n*(trendHeight-2)/top)
	}
	t.Points = strings.TrimSpace(b.String())
	return t
}

func sum(list []int) (n int) {
	for _, v := range list {
		n += v
	}
	return n
}
