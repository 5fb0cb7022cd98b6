package console

import (
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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
	"cut":       cut,
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

// cutMark is what stands for the rest of a text that is cut.
const cutMark = "…"

// cut is the beginning of a text on one line that takes at most so many bytes of a page, where a
// character such as " takes five. What others wrote can be of any length, and a page has many of it.
func cut(most int, text string) string {
	text = output.LineOf(text, len(text))
	taken, fits := 0, 0
	for at, r := range text {
		taken += len(template.HTMLEscapeString(string(r)))
		if taken > most {
			return text[:fits] + cutMark
		}
		if taken <= most-len(cutMark) {
			fits = at + utf8.RuneLen(r)
		}
	}
	return text
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
