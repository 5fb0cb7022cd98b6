package trengo

import (
	"errors"
	"maps"
	"slices"
	"time"
	_ "time/tzdata" // not every machine has the zones

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping/trengo/inbound"
	"github.com/deskstream/deskstream/mapping/unified"
)

// usualZone is that of most of Trengo's moments without a zone.
const usualZone = "Europe/Amsterdam"

// reads implements desk.Kind's Inbound. The settings are valid, so their zone is one.
func reads(destination string, s desk.Settings) desk.Inbound {
	name := s.(*Settings).TimeZone
	zone, err := time.LoadLocation(name)
	if name == "" {
		zone, err = time.LoadLocation(usualZone)
	}
	if err != nil {
		panic("loading a time zone that was checked: " + err.Error())
	}
	r := inbound.New(Kind().Name, destination, zone, name != "")
	subscriptions := make(map[unified.Type][]string)
	for event, kind := range inbound.Names {
		subscriptions[kind] = append(subscriptions[kind], event)
	}
	return desk.Inbound{
		InPath: slices.Sorted(maps.Keys(inbound.Names)), Forms: true, Subscriptions: subscriptions,
		Signature: inbound.Signature, Event: r.Event, Enrich: enrich(r), Hooks: hooks, Objects: r.Objects(),
	}
}

// checkZone returns an error for a name that is no time zone.
func checkZone(name string) error {
	if name == "" {
		return nil
	}
	if _, err := time.LoadLocation(name); err != nil || name == time.Local.String() {
		return errors.New("time_zone: write a name of the time zone database, like Europe/Amsterdam")
	}
	return nil
}
