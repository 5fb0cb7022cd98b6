package template

import "strings"

// tagSpan is the place of one tag among the tokens, from its opening to its close.
type tagSpan struct{ first, last int }

// trimSpace applies whitespace control: "~" removes all blanks on its side, and a
// section tag or comment that is alone on its line removes the whole line.
func trimSpace(tokens []token) {
	original := make([]string, len(tokens))
	for i, t := range tokens {
		original[i] = t.value
	}
	for _, tag := range tagSpans(tokens) {
		before, after := tag.first-1, tag.last+1
		if standsAlone(tokens, original, tag) {
			trimText(tokens, before, trimLineEnd)
			trimText(tokens, after, trimLineStart)
		}
		if tokens[tag.first].strip {
			trimText(tokens, before, func(s string) string { return strings.TrimRight(s, blanks) })
		}
		if tokens[tag.last].strip {
			trimText(tokens, after, func(s string) string { return strings.TrimLeft(s, blanks) })
		}
	}
}

func tagSpans(tokens []token) []tagSpan {
	var tags []tagSpan
	first := 0
	for i, t := range tokens {
		switch t.kind {
		case kOpen, kComment:
			first = i
		case kClose:
			tags = append(tags, tagSpan{first, i})
		default: // Inside a tag, or text.
		}
	}
	return tags
}

func trimText(tokens []token, i int, trim func(string) string) {
	if i >= 0 && tokens[i].kind == kText {
		tokens[i].value = trim(tokens[i].value)
	}
}

func trimLineEnd(s string) string { return strings.TrimRight(s, " \t") }

func trimLineStart(s string) string {
	s = strings.TrimLeft(s, " \t")
	return strings.TrimPrefix(strings.TrimPrefix(s, "\r"), "\n")
}

// standsAlone reports whether a tag shares its line with blanks only. Tags that print
// a value never stand alone.
func standsAlone(tokens []token, original []string, tag tagSpan) bool {
	open := tokens[tag.first]
	if open.kind == kOpen {
		switch open.value {
		case "{{#", "{{^", "{{/", "else":
		default:
			return false
		}
	}
	return lineStarts(tokens, original, tag.first-1) && lineEnds(tokens, original, tag.last+1)
}

func lineStarts(tokens []token, original []string, i int) bool {
	if i < 0 {
		return true
	}
	if tokens[i].kind != kText {
		return false
	}
	line := strings.TrimRight(original[i], " \t")
	return strings.HasSuffix(line, "\n") || line == "" && i == 0
}

func lineEnds(tokens []token, original []string, i int) bool {
	switch tokens[i].kind {
	case kEnd:
		return true
	case kText:
		line := strings.TrimLeft(original[i], " \t")
		return strings.HasPrefix(line, "\n") || strings.HasPrefix(line, "\r\n") || line == "" && tokens[i+1].kind == kEnd
	default:
		return false
	}
}
