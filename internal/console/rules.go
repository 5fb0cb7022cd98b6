package console

import (
	"maps"
	"slices"
	"time"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/status"
)

// rulesBody is the page of the rules.
type rulesBody struct {
	// Known reports whether pipelines run here, which know the hits; Began is since when.
	Known        bool
	Began        time.Time
	Destinations []ruledDestination
}

// ruledDestination is a destination with its rules, in the order in which they are tried.
type ruledDestination struct {
	Name  string
	Rules []ruleRow
}

// ruleRow is a rule and what it did.
type ruleRow struct {
	status.Rule

	Hits int64
	// Gone reports whether the rule is no longer in the configuration.
	Gone bool
}

// rules shows which rules events went by, and which never.
func (c *Console) rules(v *visit) (content, error) {
	body := rulesBody{Known: c.Pipelines != nil, Began: c.began}
	uses := map[string]map[string]status.Rule{}
	if c.Pipelines != nil {
		for _, use := range c.Pipelines.Rules() {
			for i := range use.Warnings {
				use.Warnings[i].Kind = v.masker.text(use.Warnings[i].Kind)
			}
			if uses[use.Destination] == nil {
				uses[use.Destination] = map[string]status.Rule{}
			}
			uses[use.Destination][use.Rule] = use
		}
	}
	for _, d := range v.cfg.Destinations {
		if row := ruledOf(d, uses[d.Name]); len(row.Rules) > 0 {
			body.Destinations = append(body.Destinations, row)
		}
	}
	return content{title: "Rules", template: "rules", body: body}, nil
}

func ruledOf(d config.Destination, uses map[string]status.Rule) ruledDestination {
	row := ruledDestination{Name: d.Name}
	known := map[string]bool{}
	add := func(use status.Rule, gone bool) {
		row.Rules = append(row.Rules, ruleRow{Rule: use, Hits: use.Delivered + use.Skipped + use.Dead, Gone: gone})
	}
	for _, r := range d.Rules {
		known[r.Name] = true
		use := uses[r.Name]
		use.Rule = r.Name
		add(use, false)
	}
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		if !known[name] {
			add(uses[name], true)
		}
	}
	return row
}
