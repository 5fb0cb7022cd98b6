package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// CheckNames looks up the names in a destination's rules in the lists of its desk. A name that is
// missing is a failure where events die of it, else a warning.
func CheckNames(ctx context.Context, cfg *config.Config, d config.Destination, log *slog.Logger) []cluster.Finding {
	references := rules.References(d.Rules)
	kind, _ := all.Kind(d.Type)
	if len(references) == 0 || kind.Names == nil {
		return nil
	}
	pipelines, err := Pipelines(cfg, []string{d.Name}, Options{Alone: true}, log)
	if err != nil {
		return []cluster.Finding{{What: d.Type, Name: d.Name, Failed: true, Text: err.Error()}}
	}
	defer pipelines[0].Destination.Close()
	c := &nameCheck{destination: d, lists: map[rules.Sort]*desk.Names{}}
	for _, r := range references {
		if _, read := c.lists[r.Sort]; !read {
			c.read(ctx, pipelines[0].Destination, kind, r.Sort)
		}
		if names := c.lists[r.Sort]; names != nil {
			c.look(r, *names)
		}
	}
	if c.found > 0 {
		c.add(cluster.Finding{Text: output.Count(c.found, "name") + " in its rules found"})
	}
	return c.findings
}

// nameCheck is a CheckNames on its way.
type nameCheck struct {
	destination config.Destination
	lists       map[rules.Sort]*desk.Names // nil for a list that cannot be read
	found       int
	findings    []cluster.Finding
}

func (c *nameCheck) add(f cluster.Finding) {
	f.What, f.Name = c.destination.Type, c.destination.Name
	c.findings = append(c.findings, f)
}

// read reads the desk's list of a sort.
func (c *nameCheck) read(ctx context.Context, d *sink.Destination, kind desk.Kind, sort rules.Sort) {
	c.lists[sort] = nil
	err := d.Look(ctx, func(ctx context.Context, do sink.Doer) error {
		names, ok, err := kind.Names(ctx, do, sort)
		if ok && err == nil {
			c.lists[sort] = &names
		}
		return err
	})
	if err == nil {
		return
	}
	text := err.Error()
	if f, ok := errors.AsType[*sink.Failure](err); ok {
		text = f.Message
		if f.Detail != "" {
			text += ": " + f.Detail
		}
	}
	c.add(cluster.Finding{Failed: true, Text: fmt.Sprintf("the list of each %s, which rules name, cannot be read: %s", sort, text)})
}

// look looks a name up in its list.
func (c *nameCheck) look(r rules.Reference, names desk.Names) {
	if names.Has(r.Name) {
		c.found++
		return
	}
	text := fmt.Sprintf("rule %s, %s: there is no %s %q", r.Rule, r.Path, r.Sort, r.Name)
	if names.Several(r.Name) {
		text = fmt.Sprintf("rule %s, %s: several have the name %q: give the id of the %s", r.Rule, r.Path, r.Name, r.Sort)
	} else if known := names.Known(); len(known) > 0 {
		text += "; there is " + listed(known)
	} else {
		text += ", and no other"
	}
	c.add(cluster.Finding{Failed: r.Strict, Warning: !r.Strict, Text: text})
}

// listed are names for people, not too many.
func listed(names []string) string {
	const most = 50
	quoted := make([]string, 0, len(names))
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, strconv.Quote(output.Line(name)))
	}
	text := strings.Join(quoted, ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}
