package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
)

// rateLimits are the requests per minute that the vendors document.
var rateLimits = map[string]int{TypeTrengo: 120, TypeKustomer: 1000}

// fillIn sets what a destination takes from elsewhere when its own key is missing.
func (c *Config) fillIn(d *decoder) {
	c.Kafka.Brokers = splitBrokers(c.Kafka.Brokers)
	for i := range c.Destinations {
		dest := &c.Destinations[i]
		if dest.Start.IsZero() {
			dest.Start = c.Source.Start
		}
		if !d.given(indexed("destinations", i) + ".delivery.rate_limit.requests") {
			dest.Delivery.RateLimit.Requests = rateLimits[dest.Type]
		}
	}
}

// destinationName is what a destination may be called: it is a part of group
// names, labels of metrics and headers.
var destinationName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func checkDestination(d *decoder, i int, dest *Destination, names map[string]bool) {
	path := indexed("destinations", i)
	switch {
	case dest.Name == "":
		d.refuse(path+".name", "is missing")
	case !destinationName.MatchString(dest.Name):
		d.refuse(path+".name", "must be 1 to 64 of a-z, 0-9 and -")
	case names[dest.Name]:
		d.refuse(path+".name", "another destination has this name")
	}
	names[dest.Name] = true
	checkFilter(d, path+".event_filter", dest.EventFilter)
	if dest.Delivery.Retry.Initial > dest.Delivery.Retry.Max && d.sound(path+".delivery.retry.max") {
		d.refuse(path+".delivery.retry.initial", "must not be longer than max")
	}
	checkSettings(d, path, dest)
}

func checkFilter(d *decoder, path string, filter EventFilter) {
	if len(filter.Allow) > 0 && len(filter.Deny) > 0 {
		d.refuse(path, "give allow or deny, not both")
	}
	for key, names := range map[string][]string{"allow": filter.Allow, "deny": filter.Deny} {
		for i, name := range names {
			if strings.TrimSpace(name) == "" {
				d.refuse(indexed(path+"."+key, i), "must not be blank")
			}
		}
	}
}

// checkSettings holds the settings block against the type.
func checkSettings(d *decoder, path string, dest *Destination) {
	if dest.Type == "" {
		d.refuse(path+".type", "is missing; it is one of trengo, kustomer")
		return
	}
	given := map[string]bool{TypeTrengo: dest.Trengo != nil, TypeKustomer: dest.Kustomer != nil}
	for _, block := range []string{TypeTrengo, TypeKustomer} {
		switch {
		case !d.sound(path + ".type"):
		case block == dest.Type && !given[block]:
			d.refuse(path+"."+block, "the settings of a %s destination are missing", block)
		case block != dest.Type && given[block]:
			d.refuse(path+"."+block, "the type of this destination is %s", dest.Type)
		}
	}
	if dest.Trengo != nil {
		checkCredential(d, path+".trengo.api_token", dest.Trengo.APIToken, dest.Trengo.BaseURL)
		checkBaseURL(d, path+".trengo.base_url", dest.Trengo.BaseURL, dest.Trengo.AllowInsecure)
		checkMapping(d, path+".trengo", dest.Trengo.Mapping().Validate())
	}
	if dest.Kustomer != nil {
		checkCredential(d, path+".kustomer.api_key", dest.Kustomer.APIKey, dest.Kustomer.BaseURL)
		checkBaseURL(d, path+".kustomer.base_url", dest.Kustomer.BaseURL, dest.Kustomer.AllowInsecure)
		if strings.HasSuffix(strings.TrimRight(dest.Kustomer.BaseURL, "/"), "/v1") {
			d.refuse(path+".kustomer.base_url", "leave out /v1: each call adds it")
		}
		checkMapping(d, path+".kustomer", kustomer.Config{EventTime: dest.Kustomer.EventTime}.Validate())
	}
}

// checkCredential refuses what cannot stand in an Authorization header, and what is too
// short to be a credential of a real help desk.
func checkCredential(d *decoder, path string, secret Secret, baseURL string) {
	text := secret.Reveal()
	switch {
	case !d.given(path):
		d.refuse(path, "is missing")
	case strings.TrimSpace(text) == "":
		d.refuse(path, "must not be blank")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		d.refuse(path, "must be printable ASCII without blanks and line breaks")
	case len(text) < sink.MinCredential && !isOfLoopback(baseURL):
		d.refuse(path, "must have at least %d characters; only a stub on a loopback host may have fewer", sink.MinCredential)
	case len(text) < sink.SafeCredential:
		d.warn(path, "has fewer than %d characters: an answer of the API that contains it by chance is shown with [redacted]; use a longer one", sink.SafeCredential)
	}
}

func checkBaseURL(d *decoder, path, text string, insecure bool) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || strings.TrimSpace(text) != text:
		d.refuse(path, "write the full address, like https://api.example.com")
	case u.User != nil:
		d.refuse(path, "must not hold a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		d.refuse(path, "must not have a query or fragment")
	case u.Port() != "" && !isPort(u.Port(), 1) || strings.HasSuffix(u.Host, ":"):
		d.refuse(path, "the port must be a number from 1 to 65535")
	case u.Scheme == "http" && !insecure && !isLoopback(u.Hostname()):
		d.refuse(path, "must be https; plain http needs a loopback host or allow_insecure: true")
	}
}

// isOfLoopback reports whether the host of an address is this machine. One that is no
// address is refused for itself.
func isOfLoopback(address string) bool {
	u, err := url.Parse(address)
	return err != nil || u.Hostname() == "" || isLoopback(u.Hostname())
}

// isLoopback reports whether a host is this machine by name or address.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// splitBrokers takes lists apart that came in one element, as from ${KAFKA_BROKERS}.
func splitBrokers(elements []string) []string {
	var brokers []string
	for _, element := range elements {
		for broker := range strings.SplitSeq(element, ",") {
			brokers = append(brokers, strings.TrimSpace(broker))
		}
	}
	return brokers
}
