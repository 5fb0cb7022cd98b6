package kustomer

import (
	"iter"

	"github.com/deskstream/deskstream/mapping"
)

// source is a value of the event and where it was found.
type source struct {
	path  string
	value mapping.Value
}

// pick is the first usable value of the paths.
func pick(ev mapping.Event, paths []string) source {
	return pickIf(ev, paths, func(mapping.Value) bool { return true })
}

// pickIf is the first usable value of the paths that is good.
func pickIf(ev mapping.Event, paths []string, good func(mapping.Value) bool) source {
	for _, path := range paths {
		if v := ev.Get(path); v.Exists() && good(v) {
			return source{path: path, value: v}
		}
	}
	return source{}
}

// sources are the usable values of the paths, in order.
func sources(ev mapping.Event, paths []string) iter.Seq[source] {
	return func(yield func(source) bool) {
		for _, path := range paths {
			if v := ev.Get(path); v.Exists() && !yield(source{path: path, value: v}) {
				return
			}
		}
	}
}

// fitting is what take makes of the first usable value of the paths that fits, for a
// field where one place may have what another lacks.
func fitting(ev mapping.Event, n *notes, r rule) mapping.Value {
	for s := range sources(ev, r.from) {
		if v := r.take(n, r.field+" from "+s.path, s.value); v.Exists() {
			return v
		}
	}
	return mapping.Value{}
}

// both are the paths of the traits at their two places, trait by trait.
func both(traits ...string) []string {
	var paths []string
	for _, trait := range traits {
		paths = append(paths, "traits."+trait, "context.traits."+trait)
	}
	return paths
}
