package letters_test

import (
	"errors"
	"testing"

	"github.com/deskstream/deskstream/internal/letters"
)

// A filter that was never read, or that asks for nothing, is not one for all letters.
func TestPicker_picksNothingUnlessItWasAskedFor(t *testing.T) {
	l := &letters.Letter{Code: "http_422"}
	var none letters.Picker
	if none.Picks(l) {
		t.Error("the zero picker picks a letter")
	}
	if empty, err := (&letters.Filter{}).Compile(); !errors.Is(err, letters.ErrEmptyFilter) || empty.Picks(l) {
		t.Errorf("the empty filter gives %v, and picks a letter: %v", err, empty.Picks(l))
	}
	if every := letters.Every(); !every.Picks(l) {
		t.Error("Every leaves a letter out")
	}
	f := letters.Filter{Codes: []string{"http_422"}}
	p, err := f.Compile()
	f.Codes[0] = "http_400"
	if err != nil || !p.Picks(l) || p.Picks(&letters.Letter{}) {
		t.Errorf("a compiled filter changes with what it was made from, or picks another letter: %v", err)
	}
	for name, f := range map[string]letters.Filter{"an id": {IDs: []string{""}}, "a cause": {Fingerprints: []string{""}}} {
		if p, err := f.Compile(); err != nil || p.Picks(&letters.Letter{ID: "aa", Fingerprint: "bb"}) {
			t.Errorf("%s that is empty picks a letter: %v", name, err)
		}
	}
}
