package config

import (
	"strings"

	"github.com/deskstream/deskstream/mapping/trengo"
)

// Mapping is what the mapping of events needs of the settings.
func (t *Trengo) Mapping() trengo.Config {
	c := trengo.Config{
		ChannelID: t.ChannelID, ChannelIdentifier: trengo.Identifier(t.ChannelIdentifier),
		Dedup: t.EnableDedup, CreateContact: t.CreateContact,
	}
	for _, e := range t.EventTemplates {
		c.Templates = append(c.Templates, trengo.EventTemplate{Event: e.Event, Template: e.Template})
	}
	return c
}

// checkMapping shows what a mapping says of its settings at their places. Each of the
// joined errors begins with the setting's path below the block.
func checkMapping(d *decoder, path string, err error) {
	for _, err := range parts(err) {
		setting, message, ok := strings.Cut(err.Error(), ": ")
		if !ok {
			d.refuse(path, "%s", err)
			continue
		}
		d.refuse(path+"."+setting, "%s", message)
	}
}

// parts takes joined errors apart.
func parts(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, parts(e)...)
	}
	return all
}
