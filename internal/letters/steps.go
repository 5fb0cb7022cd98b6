package letters

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/sink"
)

// StepTexts say, for people, what was done of an event: a text for each step that took effect, and
// one for the write of which nobody knows.
func StepTexts(p *sink.Progress) []string {
	if p == nil {
		return nil
	}
	var texts []string
	for _, step := range p.Steps {
		text := fmt.Sprintf("%s %s", step.Name, step.State)
		if ids := IDsText(step.IDs); ids != "" {
			text += ": " + ids
		}
		texts = append(texts, text)
	}
	if p.Next != nil {
		texts = append(texts, p.Next.Step+" was sent, or is about to be: whether it took effect is not known")
	}
	if p.Joined > 0 {
		texts = append(texts, fmt.Sprintf("went out, or is about to, with %d earlier events of its lane", p.Joined))
	}
	return texts
}

// IDsText names what a step made, "" for nothing that has an id.
func IDsText(ids map[string]string) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		texts = append(texts, name+" "+ids[name])
	}
	return strings.Join(texts, ", ")
}
