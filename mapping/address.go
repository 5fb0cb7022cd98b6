package mapping

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"
)

// EmailAddress returns the e-mail address that text holds: the first usable one of
// several with commas or semicolons between, taken out of "Name <address>", without
// mailto: and outer blanks. It reports false when there is none. An address has
// something on both sides of one at sign, neither blanks nor control characters, and at most
// MaxEmail bytes.
func EmailAddress(text string) (string, bool) {
	for part := range strings.FieldsFuncSeq(text, isSeparator) {
		if _, inner, ok := strings.Cut(part, "<"); ok {
			part, _, _ = strings.Cut(inner, ">")
		}
		if address := withoutMailto(Trim(part)); isEmail(address) {
			return address, true
		}
	}
	return "", false
}

func withoutMailto(text string) string {
	const scheme = "mailto:"
	if len(text) > len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
		return Trim(text[len(scheme):])
	}
	return text
}

// MaxEmail is the longest e-mail address, in bytes (RFC 5321 section 4.5.3.1.3, without its
// angle brackets).
const MaxEmail = 254

func isSeparator(r rune) bool { return r == ',' || r == ';' }

func isEmail(text string) bool {
	at := strings.IndexByte(text, '@')
	return at > 0 && at < len(text)-1 && len(text) <= MaxEmail && strings.IndexByte(text[at+1:], '@') < 0 &&
		!strings.ContainsFunc(text, notInEmail)
}

func notInEmail(r rune) bool {
	return r == '<' || r == '>' || isSeparator(r) || unicode.IsSpace(r) || unicode.IsControl(r)
}

// EmailKey returns the form in which two spellings of one e-mail address are equal:
// trimmed and case-folded.
func EmailKey(address string) string { return strings.Map(foldCase, Trim(address)) }

// foldCase returns the least of the characters that differ from r by case only, those of
// ASCII in lower case: most addresses stay as they are. Lower case for all would not do: it
// makes one letter of some that are two.
func foldCase(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r
	}
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

var (
	// decimalText is a phone number that a spreadsheet or a data frame took for a number.
	decimalText = regexp.MustCompile(`^\+?([0-9]{7,}\.0+|[0-9]\.[0-9]+[eE]\+?[0-9]+)$`)
	// commaDecimal is the same with the decimal comma of many countries.
	commaDecimal = regexp.MustCompile(`^\+?[0-9],[0-9]+[eE]\+?[0-9]+$`)
	// thousands is the same with a comma before every three digits. Its first group alone
	// would be one number for all of a country.
	thousands = regexp.MustCompile(`^\+?[0-9]{1,3}(,[0-9]{3}){2,}(\.0+)?$`)
	// phoneScheme is the scheme of a URI, RFC 3986 section 3.1: tel:, sip:, whatsapp:.
	phoneScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:(//)?`)
	// chatID is how WhatsApp names a user: the number, perhaps a device, and a host.
	chatID = regexp.MustCompile(`(?i)^(\+?[0-9]+)(:[0-9]+)?@(c\.us|s\.whatsapp\.net)$`)
	// extension is what follows a number to reach one person of an office.
	extension = regexp.MustCompile(`(?i)[\s.,;/-]*\(?(ext(ension)?|x)[\s\p{Z}.:=]*[0-9]+\)?[\s.]*$`)
	// trunkZero is the zero that callers from abroad leave out, after a country code, which
	// may be in brackets too.
	trunkZero = regexp.MustCompile(`^([+(\s\p{Z}]*[1-9][0-9]{0,2}\)?)([\s\p{Z}\p{Pd}./]*)\([\s\p{Z}]*0[\s\p{Z}]*\)([\s\p{Z}\p{Pd}./]*)`)
)

// PhoneNumber returns the phone number that text holds, spelled as there but without
// scheme, extension and outer blanks; of several with commas or semicolons between the
// first usable one. 31612345678.0 and 3.1612345678e10 are whole numbers, and digits of
// other scripts are digits. It reports false when there is none: a number has a digit
// other than 0, and no letter.
func PhoneNumber(text string) (string, bool) {
	text = asciiDigits(OneLine(text))
	if strings.Contains(text, ",") {
		text = numberWithCommas(text)
	}
	if number, ok := phoneNumber(text); ok { // an extension may follow a comma
		return number, true
	}
	for part := range strings.FieldsFuncSeq(text, isSeparator) {
		if number, ok := phoneNumber(part); ok {
			return number, true
		}
	}
	return "", false
}

// numberWithCommas writes a number that has commas in it as one without. A text that is no
// such number stays as it is.
func numberWithCommas(text string) string {
	switch {
	case commaDecimal.MatchString(text):
		return strings.Replace(text, ",", ".", 1)
	case thousands.MatchString(text):
		return strings.ReplaceAll(text, ",", "")
	}
	return text
}

// decimalNumber returns the literal of a phone number that was written as a decimal. One
// without an exponent loses its fraction only: a zero before it is dialled.
func decimalNumber(text string) (string, bool) {
	if !strings.ContainsAny(text, ".eE") || !decimalText.MatchString(text) {
		return "", false
	}
	number := strings.TrimPrefix(text, "+")
	if digits, fraction, _ := strings.Cut(number, "."); strings.Trim(fraction, "0") == "" {
		return digits, true
	}
	return number, true
}

// phoneNumber is PhoneNumber for a text of one number.
func phoneNumber(text string) (string, bool) {
	text = Trim(text)
	if !isDialled(text) {
		text = Trim(phoneScheme.ReplaceAllString(text, ""))
		text = chatID.ReplaceAllString(text, "$1")
		text = withoutExtension(text)
	}
	if number, ok := decimalNumber(text); ok {
		text, ok = Whole(number)
		return text, ok && strings.Trim(text, "0") != ""
	}
	return text, isDialled(text) && strings.ContainsAny(text, "123456789")
}

// withoutExtension cuts the extension off a number. What comes before it must be long
// enough for a number, or "4x4" would be one.
func withoutExtension(text string) string {
	number := Trim(extension.ReplaceAllString(text, ""))
	if len(strings.Map(onlyDigits, number)) < minDigits {
		return text
	}
	return number
}

// minDigits is how many digits a number has at the least that has an extension.
const minDigits = 5

// isDialled reports whether text has nothing that no phone number has.
func isDialled(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r == '@' || isSeparator(r) || unicode.IsLetter(r)
	})
}

// asciiDigits writes the decimal digits of all scripts in ASCII, and what else is typed with
// a full-width keyboard: plus, brackets, dashes.
func asciiDigits(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '\uFF01' && r <= '\uFF5E': // all of ASCII, in its order
			return r - '\uFF01' + '!'
		case r < 0x80 || !unicode.IsDigit(r):
			return r
		}
		// Unicode has the digits of each script in a row, from 0 to 9, and where two
		// rows touch the second begins where the first has ended.
		zero := r
		for unicode.IsDigit(zero - 1) {
			zero--
		}
		return '0' + (r-zero)%10
	}, text)
}

// International returns a phone number with 00 before a country code written as a plus,
// and without the zero in brackets after one: 0031 (0)6 1234 is +31 6 1234. A number
// that has neither stays as it is: no country is known. +00 is 00 as well: no country code
// begins with 0, and Trengo stores what it is sent with a plus.
func International(number string) string {
	number = withPlus(number)
	if !strings.Contains(number, "(") {
		return number
	}
	groups := trunkZero.FindStringSubmatch(number)
	if groups == nil {
		return number
	}
	return Trim(groups[1] + cmp.Or(groups[2], groups[3]) + number[len(groups[0]):])
}

// withPlus returns a number that begins with 00 and a country code with a plus instead. Each
// of the two may be in brackets, or both together.
func withPlus(number string) string {
	unbracketed, isBracketed := strings.CutPrefix(number, "(")
	rest, ok := strings.CutPrefix(strings.TrimPrefix(unbracketed, "+"), "00")
	if !ok {
		return number
	}
	plus := "+"
	if after, closed := strings.CutPrefix(rest, ")"); closed {
		rest = after
	} else if isBracketed {
		plus = "(+"
	}
	rest = strings.TrimLeftFunc(rest, isGap)
	if code := strings.TrimPrefix(rest, "("); code == "" || code[0] < '1' || code[0] > '9' {
		return number
	}
	return plus + rest
}

// isGap reports whether r is between groups of digits.
func isGap(r rune) bool {
	return r == '.' || r == '/' || unicode.IsSpace(r) || unicode.Is(unicode.Pd, r)
}

// PhoneDigits returns the form in which two spellings of one phone number are equal: its
// digits from the country code on. It is "" for what is no phone number.
func PhoneDigits(text string) string {
	number, ok := PhoneNumber(text)
	if !ok {
		return ""
	}
	return strings.Map(onlyDigits, International(number))
}

func onlyDigits(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}
