package config

import (
	"slices"
	"time"

	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/mapping/unified"
)

// Export is what is copied of a help desk to topics.
type Export struct {
	Entities []string      `yaml:"entities" doc:"What export copies to <inbound.topic>.<name>.<entity>: contacts, tickets, comments, users and so on. Empty: nothing."`
	Every    time.Duration `yaml:"every" default:"0s" min:"0s" doc:"The pause between walks; 0s: one walk, then export ends."`
}

// maxTopic is the longest name that Kafka takes for a topic.
const maxTopic = 249

// checkExport checks the block of a destination.
func (c *Config) checkExport(d *decoder, i int, dest *Destination) {
	path := indexed("destinations", i) + ".export"
	if !d.given(path) || !d.sound(path+".entities") {
		return
	}
	kind, known := all.Kind(dest.Type)
	switch {
	case !known:
		return
	case kind.Lists == nil:
		d.refuse(path, "a %s destination has no lists", dest.Type)
		return
	}
	has, below := make(map[string]bool), make(map[string]unified.Entity)
	var names []string
	for _, l := range kind.Lists() {
		has[string(l.Entity)], below[string(l.Entity)] = true, l.Below
		names = append(names, string(l.Entity))
		for _, inside := range l.Inside {
			has[string(inside.Entity)], below[string(inside.Entity)] = true, l.Entity
			names = append(names, string(inside.Entity))
		}
	}
	asked := dest.Export.Entities
	for j, entity := range asked {
		at := indexed(path+".entities", j)
		switch of := below[entity]; {
		case !has[entity]:
			d.refuse(at, "%s has no list of it%s", kind.Title, Suggest(entity, names))
		case slices.Contains(asked[:j], entity):
			d.refuse(at, "is there twice")
		case of != "" && !slices.Contains(asked, string(of)):
			d.refuse(at, "is found by the %s: add %s", of, of)
		case len(c.Inbound.Topic)+len(dest.Name)+len(entity)+2 > maxTopic:
			d.refuse(at, "its topic, <inbound.topic>.<name>.<entity>, has a name of more than %d characters", maxTopic)
		}
	}
}
