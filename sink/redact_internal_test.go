package sink

import (
	"math/rand/v2"
	"strings"
	"testing"

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

// A body is looked through once it is JSON text. What that leaves alone must have
// nothing in it that going by values would find.
func TestRedactor_textThatIsLeftAloneHasNothingInIt(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	redactions := 0
	for range 5_000 {
		secret := assembled(rng, hostile, 3)
		r := newRedactor([]string{secret})
		parts := append(append([]string{}, hostile...), r.inText...)
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
		if got, want := r.text(text), r.spellings.Replace(text); got != want {
			t.Fatalf("credential %q: the text %s becomes %s, want %s", secret, text, got, want)
		}
	}
	if redactions < 300 {
		t.Errorf("%d bodies held the credential, too few to tell anything", redactions)
	}
}
