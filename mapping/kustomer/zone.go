package kustomer

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/deskstream/deskstream/mapping"
)

// zoneNames are the names of the time zone database, one a line. time.LoadLocation would
// read the machine's files, which not every machine has, once for every event.
//
//go:embed zones.txt
var zoneNames string

// knownZones are the names by their lower case, since case is no part of them (RFC 9557
// section 4.1 and theory.html of the database).
var knownZones = sync.OnceValue(func() map[string]string {
	known := make(map[string]string)
	for name := range strings.Lines(zoneNames) {
		name = strings.TrimSpace(name)
		known[strings.ToLower(name)] = name
	}
	return known
})

// timeZone takes a name of the time zone database. An offset is none: it is wrong after
// the next change of the clocks.
func timeZone(n *notes, label string, v mapping.Value) mapping.Value {
	name, ok := knownZones()[strings.ToLower(mapping.Trim(v.Str()))]
	if !ok {
		n.leftOut(label, "it is no name of a time zone, like Europe/Amsterdam")
		return mapping.Value{}
	}
	return mapping.Str(name)
}
