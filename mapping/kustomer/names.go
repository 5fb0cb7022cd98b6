package kustomer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	anyascii "github.com/anyascii/go"

	"github.com/deskstream/deskstream/mapping"
)

// alphabet is the ASCII characters that may be in a name.
type alphabet [utf8.RuneSelf]bool

var (
	eventNames = lettersDigitsAnd("-_.")
	metaNames  = lettersDigitsAnd("-_")
)

func lettersDigitsAnd(marks string) *alphabet {
	var a alphabet
	for r := range rune(utf8.RuneSelf) {
		a[r] = isLetter(r) || isDigit(r) || strings.ContainsRune(marks, r)
	}
	return &a
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// clean returns name in the alphabet. Letters of other scripts become Latin ones, each
// run of other characters becomes one dash, and what comes before the first letter is
// dropped. It returns "" if nothing is left.
func (a *alphabet) clean(name string) string {
	if !a.spells(name) {
		name = a.rewrite(name)
	}
	return strings.TrimLeftFunc(name, func(r rune) bool { return !isLetter(r) })
}

// spells reports whether all of name is in the alphabet, as most names are.
func (a *alphabet) spells(name string) bool {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf || !a[name[i]] {
			return false
		}
	}
	return true
}

func (a *alphabet) rewrite(name string) string {
	var b strings.Builder
	b.Grow(len(name))
	dashed := false
	for _, r := range name {
		switch {
		case r < utf8.RuneSelf && a[r]:
			b.WriteRune(r)
			dashed = false
		case unicode.In(r, unicode.L, unicode.M, unicode.Nd):
			if text := latin(r); text != "" {
				b.WriteString(text)
				dashed = false
			}
		case !dashed:
			b.WriteByte('-')
			dashed = true
		}
	}
	return b.String()
}

// latin returns the Latin letters or the digits for a letter, a mark or a digit of any
// script, "" for one that has none. Accents, soft signs and stops have none: the library
// writes an apostrophe or the like for some of them, which would only break words in two.
func latin(r rune) string {
	return strings.Map(func(r rune) rune {
		if isLetter(r) || isDigit(r) {
			return r
		}
		return -1
	}, anyascii.TransliterateRune(r))
}

// maxName is the longest name of an event that the tracking API takes, minName the
// shortest (OpenAPI document of May 2025, tracking/identityEvent).
const (
	minName = 2
	maxName = 255
)

// cleanName returns an event's name as the tracking API takes it, "" if nothing is left.
func cleanName(name string) string { return cut(eventNames.clean(mapping.Trim(name)), maxName) }

// The suffixes by which the tracking API tells numbers and moments from text, and how
// many characters may come before one (documents of 2021).
const (
	numSuffix = "Num"
	atSuffix  = "At"
	maxBase   = 33
)

// metaName returns a property's name in the alphabet of meta, "" if nothing is left. It
// may be longer than meta takes: only its value shows what of it is a suffix.
func metaName(name string) string { return strings.TrimRight(metaNames.clean(name), "-") }

// suffixed returns a clean name with the suffix that its value needs, "" if nothing is
// left before it.
func suffixed(name, suffix string) string {
	base, found := strings.CutSuffix(name, suffix)
	switch {
	case base == "":
		return name + suffix
	case found && len(base) <= maxBase:
		return name
	}
	if base = short(base); base == "" {
		return ""
	}
	return base + suffix
}

// short cuts a name at what may come before a suffix. An ending that is a suffix only
// because of the cut would promise a number or a moment, so it goes.
func short(name string) string {
	if len(name) <= maxBase {
		return name
	}
	name = name[:maxBase]
	for {
		bare := strings.TrimRight(name, "-")
		bare = strings.TrimSuffix(strings.TrimSuffix(bare, numSuffix), atSuffix)
		if bare == name {
			return name
		}
		name = bare
	}
}
