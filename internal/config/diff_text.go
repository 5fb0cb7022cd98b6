package config

import (
	"strings"
	"text/tabwriter"

	"github.com/deskstream/deskstream/internal/output"
)

// NeedsRestart reports whether a change cannot be taken by a reload.
func NeedsRestart(changes []Change) bool {
	for _, c := range changes {
		if !c.Reload {
			return true
		}
	}
	return false
}

// DiffText is a table of changes for people.
func DiffText(changes []Change) string {
	if len(changes) == 0 {
		return "no difference\n"
	}
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	output.Printf(table, "SETTING\tWAS\tIS\tTAKEN BY\n")
	for _, c := range changes {
		by := "restart"
		if c.Reload {
			by = "reload"
		}
		output.Printf(table, "%s\t%s\t%s\t%s\n", c.Path, shownSetting(c.Was), shownSetting(c.Is), by)
	}
	_ = table.Flush() // a strings.Builder takes everything
	return b.String()
}

// maxShownSetting is how much of a setting is shown, in bytes; the JSON form has all of it.
const maxShownSetting = 60

func shownSetting(text string) string {
	if text == "" {
		return "-"
	}
	return output.LineOf(text, maxShownSetting)
}
