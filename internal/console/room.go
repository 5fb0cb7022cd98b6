package console

import (
	"html/template"
	"unicode/utf8"
)

// The bytes that parts of the pages of a letter and of an event take: what others wrote can be of any
// size, and the whole page stays small.
const (
	maxValuePart    = 24_000
	maxBodyPart     = 6_000
	maxHeadersPart  = 24_000
	maxOutcomesPart = 40_000
	maxStepsPart    = 8_000
	maxLettersPart  = 8_000
	maxPlacesPart   = 4_000

	maxLine    = 600 // of a text on one line
	itemMarkup = 400 // about what an item takes around its texts
)

// room is what is left of a part of a page, in bytes, and how many items had no place in it.
type room struct{ left, Out int }

// has takes the markup of an item, if there is place for it.
func (r *room) has(markup int) bool {
	if r.Out > 0 || r.left < markup { // what follows one that is left out is left out too
		r.Out++
		return false
	}
	r.left -= markup
	return true
}

// line is the beginning of a text on one line.
func (r *room) line(text string) string {
	text = cut(min(maxLine, max(r.left, len(cutMark))), text)
	r.left -= escapedLen(text)
	return text
}

// clip is the beginning of a text of lines, and how many bytes of it are left out.
type clip struct {
	Text string
	Out  int
}

// clip takes a text into the part, at most so many bytes of it.
func (r *room) clip(most int, text string) clip {
	most = min(most, max(r.left, 0))
	taken, at := 0, 0
	for at < len(text) {
		_, size := utf8.DecodeRuneInString(text[at:])
		escaped := escapedLen(text[at : at+size])
		if taken+escaped > most {
			break
		}
		taken, at = taken+escaped, at+size
	}
	r.left -= taken
	return clip{text[:at], len(text) - at}
}

// lines are the texts that have place in the part, each on one line.
func (r *room) lines(texts []string) (list []string) {
	for _, text := range texts {
		if r.has(itemMarkup / 8) {
			list = append(list, r.line(text))
		}
	}
	return list
}

// escapedLen is how many bytes a text takes on a page.
func escapedLen(text string) int { return len(template.HTMLEscapeString(text)) }
