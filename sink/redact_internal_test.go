package sink

import (
	"fmt"
	"html"
	"html/template"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/deskstream/deskstream/mapping"
)

// hostile are parts of credentials and of texts, such that each spelling of the one
// turns up in the other, whole, cut and within another.
var hostile = []string{`"`, `\`, "/", "<", "&", "a", "b", "1", "2", " ", "+", "%", "%2F", "%22", `\u0022`, "\n", "é", "\u2028", "[redacted]"}

func assembled(rng *rand.Rand, parts []string, atMost int) string {
	var text strings.Builder
	for range 1 + rng.IntN(atMost) {
		text.WriteString(parts[rng.IntN(len(parts))])
	}
	return text.String()
}

// escapers are how JSON, URLs and HTML of several libraries spell a character.
var escapers = []func(string) string{
	func(c string) string { return c },
	url.QueryEscape, url.PathEscape, html.EscapeString, template.HTMLEscapeString,
	func(c string) string { return strings.ToLower(url.QueryEscape(c)) },
	func(c string) string { return mapping.Str(c).JSON()[1 : len(mapping.Str(c).JSON())-1] },
	func(c string) string { return strings.ReplaceAll(c, "/", `\/`) },
	func(c string) string { return fmt.Sprintf(`\u%04X`, utf16.Encode([]rune(c))[0]) },
	func(c string) string { return fmt.Sprintf("&#%d;", []rune(c)[0]) },
	func(c string) string { return fmt.Sprintf("&#x%02X;", []rune(c)[0]) },
}

// escaped spells each character of a secret that anybody escapes in one of these ways.
func escaped(rng *rand.Rand, secret string) string {
	var text strings.Builder
	for _, c := range secret {
		if strings.ContainsRune(neverEscaped, c) {
			text.WriteRune(c)
			continue
		}
		text.WriteString(escapers[rng.IntN(len(escapers))](string(c)))
	}
	return text.String()
}

func TestRedactor_knowsEverySpelling(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 5_000 {
		secret := assembled(rng, hostile, 6)
		text := escaped(rng, secret)
		if got := newRedactor([]string{secret}).text(text); got != redacted {
			t.Fatalf("credential %q, spelled %q, becomes %q", secret, text, got)
		}
	}
}

// A body is looked through once it is JSON text. What that leaves alone must have
// nothing in it that going by values would find.
func TestRedactor_textThatIsLeftAloneHasNothingInIt(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	redactions := 0
	for range 5_000 {
		secret := assembled(rng, hostile, 3)
		r := newRedactor([]string{secret})
		parts := append(append([]string{}, hostile...), escaped(rng, secret), escaped(rng, secret))
		v := mapping.Obj(
			mapping.Member{Name: assembled(rng, parts, 2), Value: mapping.Str(assembled(rng, parts, 4))},
			mapping.Member{Name: "n", Value: mapping.Arr(mapping.Int(rng.Int64N(100)), mapping.Boolean(true), mapping.NullValue())},
		)
		text, want := v.JSON(), r.value(v).JSON()
		if want != text {
			redactions++
		}
		if got := string(r.json(v, []byte(text))); got != want {
			t.Fatalf("credential %q: %s is recorded as %s, want %s", secret, text, got, want)
		}
		if got, want := r.text(text), r.spellings.ReplaceAllLiteralString(text, redacted); got != want {
			t.Fatalf("credential %q: the text %s becomes %s, want %s", secret, text, got, want)
		}
	}
	if redactions < 300 {
		t.Errorf("%d bodies held the credential, too few to tell anything", redactions)
	}
}
