package rules

import "strings"

// index finds the rules of one type that name an event. All lists are in the order of the rules.
type index struct {
	exact    map[string][]int
	patterns []pattern
	any      []int // rules that name no event
}

// pattern is a name with stars in it.
type pattern struct {
	place int
	parts []string // between the stars
}

// add takes in the names of the rule at a place.
func (x *index) add(place int, names []string) {
	if len(names) == 0 {
		x.any = append(x.any, place)
	}
	for _, n := range names {
		if strings.Contains(n, "*") {
			x.patterns = append(x.patterns, pattern{place, strings.Split(n, "*")})
		} else {
			x.exact[n] = append(x.exact[n], place)
		}
	}
}

// fits reports whether a name is of the pattern.
func (p *pattern) fits(name string) bool {
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	rest := name[len(first) : len(name)-len(last)]
	for _, part := range p.parts[1 : len(p.parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return true
}

// candidates are the rules that can match an event, in their order, each once.
type candidates struct {
	name       string
	exact, any []int
	patterns   []pattern
	last       int
}

func (x *index) candidates(name string) candidates {
	return candidates{name: name, exact: x.exact[name], any: x.any, patterns: x.patterns, last: -1}
}

// next is the next rule's place. ok is false when there is none.
func (c *candidates) next() (place int, ok bool) {
	c.exact, c.any = after(c.exact, c.last), after(c.any, c.last)
	for len(c.patterns) > 0 && (c.patterns[0].place <= c.last || !c.patterns[0].fits(c.name)) {
		c.patterns = c.patterns[1:]
	}
	place = -1
	take := func(p int) {
		if place < 0 || p < place {
			place = p
		}
	}
	if len(c.exact) > 0 {
		take(c.exact[0])
	}
	if len(c.any) > 0 {
		take(c.any[0])
	}
	if len(c.patterns) > 0 {
		take(c.patterns[0].place)
	}
	c.last = max(c.last, place)
	return place, place >= 0
}

// after leaves out the places up to one.
func after(places []int, last int) []int {
	for len(places) > 0 && places[0] <= last {
		places = places[1:]
	}
	return places
}
