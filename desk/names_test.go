package desk_test

import (
	"slices"
	"testing"

	"github.com/deskstream/deskstream/desk"
)

func TestNames(t *testing.T) {
	names := desk.Names{IDs: map[string]string{"Support": "2", "Billing": "1", "Sales": "", "a@b.nl": "7"}}
	for name, want := range map[string]bool{"Billing": true, "billing": false, "2": true, "A@b.nl": true, "Sales": false, "": false, "3": false} {
		if names.Has(name) != want {
			t.Errorf("has %q: %v, want %v", name, !want, want)
		}
	}
	if !names.Several("Sales") || names.Several("Billing") || names.Several("x") {
		t.Error("which names several have is wrong")
	}
	if got := names.Known(); !slices.Equal(got, []string{"Billing", "Support", "a@b.nl"}) {
		t.Errorf("known: %q", got)
	}
}
