package letters

import (
	"fmt"
	"maps"
	"slices"

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
		for i, name := range slices.Sorted(maps.Keys(step.IDs)) {
			text += [...]string{": ", ", "}[min(i, 1)] + name + " " + step.IDs[name]
		}
		texts = append(texts, text)
	}
	if p.Next != nil {
		texts = append(texts, p.Next.Step+" was sent, or is about to be: whether it took effect is not known")
	}
	return texts
}
