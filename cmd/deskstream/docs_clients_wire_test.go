package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// writtenBy is the table of what the libraries write, read off the stored events.
func writtenBy(clients []client) string {
	var b strings.Builder
	b.WriteString("| library | traits of an identify | times | `messageId` | `anonymousId` of a known user | `userId` of a visitor | other members | notable |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for i := range clients {
		c := &clients[i]
		fmt.Fprintf(&b, "| %s<br>%s | %s | %s | %s | %s | %s | %s | %s |\n", c.title(), c.Package,
			c.traits(), c.times(), c.form("messageId"), c.anonymous(), c.visitor(), c.others(), c.Spellings)
	}
	return b.String()
}

// traits says where the traits of a person stand.
func (c *client) traits() string {
	var places []string
	everywhere := true
	for i := range c.Events {
		e := &c.Events[i]
		inContext := e.body.Get("context", "traits").Len() > 0
		if e.get("userId").Str() != "" && !inContext {
			everywhere = false
		}
		if e.get("groupId").Exists() || !e.get("traits").Exists() && !strings.HasPrefix(e.What, "identify") {
			continue // a group's traits are its own
		}
		if e.get("traits").Exists() {
			places = append(places, "`traits`")
		}
		if inContext {
			places = append(places, "`context.traits`")
		}
	}
	slices.Sort(places)
	text := strings.Join(slices.Compact(places), " and ")
	if everywhere {
		text += ", in every event of a known user"
	}
	return text
}

// times names the members that hold a time, and how it is written.
func (c *client) times() string {
	var list []string
	for _, name := range []string{"timestamp", "originalTimestamp", "sentAt"} {
		if form := c.form(name); form != "none" {
			list = append(list, "`"+name+"` "+form)
		}
	}
	return strings.Join(list, ", ")
}

var (
	uuidText   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	md5Text    = regexp.MustCompile(`[0-9a-f]{32}`)
	millisText = regexp.MustCompile(`\b[0-9]{13}\b`)
	momentText = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)
)

// form is how the events write a member: the ids and times in it by their kind.
func (c *client) form(name string) string {
	forms := make(map[string]bool)
	for i := range c.Events {
		v := c.Events[i].get(name)
		if !v.Exists() {
			forms[""] = true
			continue
		}
		text := v.Text()
		if m := momentText.FindStringSubmatch(text); m != nil {
			text = map[int]string{0: "s", 4: "ms", 7: "µs", 10: "ns"}[len(m[1])] + " `" + m[2] + "`"
		} else {
			text = md5Text.ReplaceAllString(uuidText.ReplaceAllString(text, "UUID"), "MD5")
			text = "`" + millisText.ReplaceAllString(text, "ms") + "`"
		}
		forms[text] = true
	}
	missing := forms[""]
	delete(forms, "")
	if len(forms) == 0 {
		return "none"
	}
	var list []string
	for form := range forms {
		list = append(list, form)
	}
	slices.Sort(list)
	text := strings.Join(list, " or ")
	if missing {
		text += ", not in each"
	}
	return text
}

// anonymous says what stands in anonymousId beside a user id.
func (c *client) anonymous() string {
	return c.ids("anonymousId", func(e *clientEvent) bool { return e.get("userId").Str() != "" })
}

// visitor says what stands in userId beside an anonymous id.
func (c *client) visitor() string {
	return c.ids("userId", func(e *clientEvent) bool { return e.get("anonymousId").Text() != "" && e.get("userId").Str() == "" })
}

// ids says what stands in an id that nobody gave, by the types of events if it depends on them.
func (c *client) ids(name string, of func(*clientEvent) bool) string {
	var kinds []string
	types := make(map[string][]string)
	perType := true
	for i := range c.Events {
		e := &c.Events[i]
		if !of(e) {
			continue
		}
		kind, typ := c.kindOf(name, e), e.get("type").Str()
		if !slices.Contains(kinds, kind) {
			perType = perType && !slices.ContainsFunc(kinds, func(k string) bool { return slices.Contains(types[k], typ) })
			kinds = append(kinds, kind)
		}
		if !slices.Contains(types[kind], typ) {
			types[kind] = append(types[kind], typ)
		}
	}
	if len(kinds) < 2 || !perType {
		return strings.Join(kinds, " or ")
	}
	var list []string
	for _, kind := range kinds {
		list = append(list, strings.Join(types[kind], ", ")+": "+kind)
	}
	return strings.Join(list, "; ")
}

// kindOf is what stands in a member of an event: a UUID by its kind, anything else as it is.
func (c *client) kindOf(name string, e *clientEvent) string {
	v := e.get(name)
	switch {
	case v.Kind() == mapping.Absent:
		return "-"
	case !uuidText.MatchString(v.Text()):
		return "`" + v.JSON() + "`"
	case c.different(name):
		return "another UUID in each"
	}
	return "a UUID"
}

// different reports whether no two events have the same text there.
func (c *client) different(name string) bool {
	seen := make(map[string]bool)
	for i := range c.Events {
		if text := c.Events[i].get(name).Text(); text != "" && seen[text] {
			return false
		}
		seen[c.Events[i].get(name).Text()] = true
	}
	return true
}

// others names the members that no table of the specification has.
func (c *client) others() string {
	known := []string{
		"type", "userId", "anonymousId", "messageId", "event", "name", "category", "properties", "traits", "context",
		"timestamp", "originalTimestamp", "sentAt", "groupId", "previousId",
	}
	var list []string
	hasContext := false
	for i := range c.Events {
		hasContext = hasContext || c.Events[i].get("context").Exists()
		for _, m := range c.Events[i].body.Members() {
			if text := "`" + m.Name + "`"; !slices.Contains(known, m.Name) && !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
	}
	slices.Sort(list)
	if !hasContext {
		list = append(list, "no `context`")
	}
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ", ")
}
