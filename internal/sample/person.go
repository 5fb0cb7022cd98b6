package sample

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// person is one customer; the same number of the same seed is always the same one.
type person struct {
	number    int
	id        string // the shop's user id
	anonymous string
	first     string
	last      string
	email     string
	phone     string
	city      string
	country   string
	locale    string
	timezone  string
	agent     string
	mobile    bool
}

type place struct{ city, country, locale, timezone, dial string }

var (
	firstNames = []string{
		"Ada", "Bram", "Chiara", "Daan", "Elif", "Femke", "Giulia", "Hugo", "Ines", "Jonas", "Katarzyna", "Lars",
		"Maud", "Noor", "Oskar", "Paula", "Quinten", "Roos", "Søren", "Tomás", "Ursula", "Vera", "Wim", "Yara", "Zoë",
	}
	lastNames = []string{
		"Aalbers", "Bakker", "Carvalho", "de Vries", "Eriksen", "Fontana", "García", "Hendriks", "Ivanova", "Jansen",
		"Kowalska", "Lindqvist", "Müller", "Nowak", "O'Brien", "Peeters", "Rossi", "Smit", "Tanaka", "van der Berg",
	}
	places = []place{
		{"Utrecht", "NL", "nl-NL", "Europe/Amsterdam", "+316"},
		{"Antwerpen", "BE", "nl-BE", "Europe/Brussels", "+3247"},
		{"Hamburg", "DE", "de-DE", "Europe/Berlin", "+4915"},
		{"Milano", "IT", "it-IT", "Europe/Rome", "+393"},
		{"Kraków", "PL", "pl-PL", "Europe/Warsaw", "+4860"},
		{"Dublin", "IE", "en-IE", "Europe/Dublin", "+3538"},
	}
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
	}
)

func newPerson(seed uint64, number int) person {
	rng := rand.New(rand.NewPCG(seed, uint64(number)+1))
	at := pick(rng, places)
	p := person{
		number: number, id: fmt.Sprintf("user-%06d", number), anonymous: uuid(rng),
		first: pick(rng, firstNames), last: pick(rng, lastNames),
		city: at.city, country: at.country, locale: at.locale, timezone: at.timezone,
		agent: pick(rng, agents), mobile: rng.IntN(4) == 0,
	}
	// The number makes the address unique.
	p.email = fmt.Sprintf("%s.%06d@example.com", ascii(p.first), number)
	p.phone = fmt.Sprintf("%s%08d", at.dial, 10000000+number)
	return p
}

// ascii is a name in the letters of an e-mail address.
func ascii(name string) string {
	return strings.NewReplacer("ø", "o", "á", "a", "ë", "e").Replace(strings.ToLower(name))
}

// uuid is a random (version 4) UUID of the generator's own randomness.
func uuid(rng *rand.Rand) string {
	a, b := rng.Uint64(), rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&(1<<48-1))
}
