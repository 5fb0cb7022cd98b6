package console

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
)

// functions are what templates call.
var functions = template.FuncMap{
	"tab":       tabOf,
	"classes":   sink.Classes,
	"lines":     func(text string) []string { return strings.Split(text, "\n") },
	"count":     output.Count,
	"time":      output.KnownTime,
	"ago":       ago,
	"rate":      func(perSecond float64) string { return strconv.FormatFloat(perSecond, 'f', 1, 64) },
	"short":     short,
	"line":      output.Line,
	"thousands": thousands,
}

// tab is a link of the navigation.
type tab struct {
	Path, Name string
	Here       bool
}

func tabOf(here, path, name string) tab {
	return tab{path, name, here == path || path != "/" && strings.HasPrefix(here, strings.TrimSuffix(path, "s"))}
}

// ago is how long ago a time was, "" for the zero time.
func ago(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return output.Roughly(time.Since(at)) + " ago"
}

func number(n int) string { return strconv.Itoa(n) }

// thousands is a number with its digits in groups of three.
func thousands(n any) string {
	var text string
	switch v := n.(type) {
	case int:
		text = strconv.Itoa(v)
	case int64:
		text = strconv.FormatInt(v, 10)
	default:
		return ""
	}
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return sign + text
}
