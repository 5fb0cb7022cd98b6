package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Suggest returns the end of a message about an unknown word: the known word that was most
// likely meant, or all known words.
func Suggest(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return "; there are " + cmp.Or(strings.Join(known, ", "), "none")
}

// Destination returns the destination with a name.
func (c *Config) Destination(name string) (Destination, bool) {
	for _, d := range c.Destinations {
		if d.Name == name {
			return d, true
		}
	}
	return Destination{}, false
}

// DestinationNames returns the names of all destinations.
func (c *Config) DestinationNames() []string {
	names := make([]string, len(c.Destinations))
	for i, d := range c.Destinations {
		names[i] = d.Name
	}
	return names
}

// CallsTopics returns the topics of calls, each once.
func (c *Config) CallsTopics() []string {
	var topics []string
	for _, d := range c.Destinations {
		if topic := d.CallsTopic(); topic != "" && !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	return topics
}

// TopicsOf returns the topics that a destination reads.
func (c *Config) TopicsOf(d Destination) []string {
	topics := slices.Clone(c.Source.Topics)
	if topic := d.CallsTopic(); topic != "" {
		topics = append(topics, topic)
	}
	return topics
}

// Inputs returns the topics that any destination reads: those of events, then those of calls.
func (c *Config) Inputs() []string { return slices.Concat(c.Source.Topics, c.CallsTopics()) }

// NoDestination returns the error for a name that no destination has.
func (c *Config) NoDestination(name string) error {
	return fmt.Errorf("no destination is called %q in the configuration%s", name, Suggest(name, c.DestinationNames()))
}
