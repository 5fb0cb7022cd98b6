package kustomer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	mapping "github.com/deskstream/deskstream/mapping/kustomer"
)

func TestMapping_modesOfLists(t *testing.T) {
	for text, want := range map[string]mapping.ListMode{
		"merge": mapping.MergeLists, "replace": mapping.ReplaceLists, "leave": mapping.LeaveLists,
	} {
		s := Settings{Lists: text}
		if diff := cmp.Diff(mapping.Config{Lists: want}, s.mapping()); diff != "" {
			t.Errorf("lists: %s (-want +got):\n%s", text, diff)
		}
	}
}

// Every setting of the mapping comes from the file.
func TestMapping_takesEverySetting(t *testing.T) {
	s := Settings{
		AdvancedTransform: true, SetIdentityEmail: true, DisableEmailAsTrackingProperty: true, GenericPage: true, GenericScreen: true,
		EventTime: "occurredAt", Lists: "leave",
	}
	want := mapping.Config{
		AdvancedTransform: true, SetIdentityEmail: true, DisableEmailAsTrackingProperty: true, GenericPage: true, GenericScreen: true,
		EventTime: "occurredAt", Lists: mapping.LeaveLists,
	}
	if diff := cmp.Diff(want, s.mapping()); diff != "" {
		t.Errorf("mapping (-want +got):\n%s", diff)
	}
}
