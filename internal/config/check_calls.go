package config

import (
	"slices"

	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/mapping/call"
)

// checkCalls checks what a destination may be asked for by calls over Kafka.
func checkCalls(d *decoder, path string, dest *Destination) {
	if dest.Calls == nil {
		return
	}
	if kind, known := all.Kind(dest.Type); known && kind.NextPage == nil {
		d.refuse(path, "a %s destination makes no calls", dest.Type)
		return
	}
	for i, text := range dest.Calls.Allow {
		at := indexed(path+".allow", i)
		if _, err := call.Parse(text); err != nil {
			d.refuse(at, "%v", err)
		} else if slices.Contains(dest.Calls.Allow[:i], text) {
			d.refuse(at, "is listed twice")
		}
	}
	if len(dest.Calls.Allow) == 0 && d.sound(path+".allow") {
		d.warn(path, "allow has no entry, so every call on %s dies as not_allowed", dest.Calls.Topic)
	}
}

// checkCallsTopics checks the topics of calls. users are the topics that have another use. Several
// destinations may share one.
func (c *Config) checkCallsTopics(d *decoder, users map[string]string) {
	for i, dest := range c.Destinations {
		if dest.Calls == nil {
			continue
		}
		path := indexed("destinations", i) + ".calls.topic"
		d.checkTopic(path, dest.Calls.Topic)
		if user, taken := users[dest.Calls.Topic]; taken {
			d.refuse(path, "the topic is also that of %s: calls need one of their own, since whoever may write to it may make them", user)
		}
	}
}
