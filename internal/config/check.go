package config

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// refuse notes that a setting cannot be as it is, unless reading it failed already.
func (d *decoder) refuse(path, format string, args ...any) {
	if d.sound(path) {
		d.problem(d.place(path), path+": "+format, args...)
	}
}

// warn notes that a setting is accepted, but should be changed.
func (d *decoder) warn(path, format string, args ...any) {
	at := d.place(path)
	d.warned.List = append(d.warned.List, Problem{at.line, at.column, path + ": " + fmt.Sprintf(format, args...)})
}

// sound reports whether all of the settings could be read.
func (d *decoder) sound(paths ...string) bool {
	for _, path := range paths {
		for path != "" {
			if d.broken[path] {
				return false
			}
			path = path[:max(strings.LastIndexAny(path, ".["), 0)]
		}
	}
	return true
}

// check notes what the values of the file cannot be, alone and together.
func (c *Config) check(d *decoder) {
	c.checkKafka(d)
	c.checkSource(d)
	c.checkRegistry(d)
	c.checkTopics(d)
	c.checkLane(d)
	c.checkInbound(d)
	d.checkAddress("http.listen", c.HTTP.Listen)
	d.checkAddress("http.admin", c.HTTP.Admin)
	if c.HTTP.Listen != "" && c.HTTP.Listen == c.HTTP.Admin && !strings.HasSuffix(c.HTTP.Admin, ":0") {
		d.refuse("http.admin", "must not be the address of http.listen")
	}
	c.checkConsole(d)
	if len(c.Destinations) == 0 {
		d.refuse("destinations", "at least one destination is needed")
	}
	names := map[string]bool{}
	for i := range c.Destinations {
		checkDestination(d, i, &c.Destinations[i], names)
		c.checkExport(d, i, &c.Destinations[i])
	}
	c.checkKeys(d)
	c.checkDeskEvents(d)
	c.checkDrain(d)
}

// checkDrain holds drain_timeout between the calls that it has to let end and the
// session that it must not outlive.
func (c *Config) checkDrain(d *decoder) {
	const path = "source.drain_timeout"
	drain := c.Source.DrainTimeout
	if !d.sound(path) {
		return
	}
	for i, dest := range c.Destinations {
		timeout := indexed("destinations", i) + ".delivery.timeout"
		if d.sound(timeout) && drain <= dest.Delivery.Timeout {
			at := path
			if !d.given(path) {
				at = timeout
			}
			d.problem(d.place(at), "%s: %s must be longer than %s of %s, or a stop could not let calls end",
				path, drain, timeout, dest.Delivery.Timeout)
		}
	}
	const session = "source.session_timeout"
	if c.Source.GroupProtocol == ProtocolClassic && d.sound(session, "source.group_protocol") && drain >= c.Source.SessionTimeout {
		at := path
		if !d.given(path) {
			at = session
		}
		d.problem(d.place(at), "%s: %s must be shorter than %s of %s, or the group gives the member up while it drains",
			path, drain, session, c.Source.SessionTimeout)
	}
}

func (c *Config) checkLane(d *decoder) {
	seen := map[string]bool{}
	for i, name := range c.Lane {
		path := indexed("lane", i)
		if strings.TrimSpace(name) == "" {
			d.refuse(path, "must not be blank")
		} else if seen[name] {
			d.refuse(path, "%q is listed twice", name)
		}
		seen[name] = true
	}
}

// topicName is what Kafka takes as the name of a topic.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func (d *decoder) checkTopic(path, name string) {
	if !topicName.MatchString(name) || name == "." || name == ".." {
		d.refuse(path, "a topic's name is 1 to 249 letters, digits, dots, underscores and hyphens")
	}
}

// checkTopics keeps the topics apart: what is written must never be read as input.
func (c *Config) checkTopics(d *decoder) {
	type named struct{ path, topic string }
	topics := []named{{"responses.topic", c.Responses.Topic}, {"dead_letters.topic", c.DeadLetters.Topic}}
	for i, topic := range c.Source.Topics {
		topics = append(topics, named{indexed("source.topics", i), topic})
	}
	users := map[string]string{c.DeadLetters.Topic + ".state": "the states of dead letters"}
	if keys := c.KeysTopic(c.Destinations...); keys != "" {
		users[keys] = "the keys of rules"
		d.checkTopic("responses.topic", keys)
	}
	for _, t := range topics {
		d.checkTopic(t.path, t.topic)
		if user, taken := users[t.topic]; taken {
			d.refuse(t.path, "the topic is also that of %s", user)
		}
		users[t.topic] = t.path
	}
	c.checkCallsTopics(d, users)
	if strings.HasPrefix(c.DeadLetters.Topic, "__") {
		d.refuse("dead_letters.topic", "must not begin with __, which Kafka keeps for itself")
	}
	const longest = 249 - len(".state")
	if len(c.DeadLetters.Topic) > longest {
		d.refuse("dead_letters.topic", "must be at most %d characters, because <topic>.state is one too", longest)
	}
}

// checkAddress checks the address of a listener, host:port; "" is off.
func (d *decoder) checkAddress(path, address string) {
	if address == "" {
		return
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil || !isPort(port, 0) {
		d.refuse(path, "write host:port, like 127.0.0.1:9400")
	}
}

func isPort(text string, lowest int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= lowest && n <= 65535 && strconv.Itoa(n) == text
}

func indexed(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
