package config

import (
	"net"
	"net/url"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

func (c *Config) checkKafka(d *decoder) {
	if len(c.Kafka.Brokers) == 0 {
		d.refuse("kafka.brokers", "at least one broker is needed")
	}
	for i, element := range c.Kafka.Brokers {
		for broker := range strings.SplitSeq(element, ",") {
			d.checkBroker(indexed("kafka.brokers", i), strings.TrimSpace(broker))
		}
	}
	if strings.TrimSpace(c.Kafka.ClientID) == "" {
		d.refuse("kafka.client_id", "must not be blank")
	}
	c.Kafka.TLS.check(d, "kafka.tls")
	c.Kafka.SASL.check(d, "kafka.sasl")
	if c.Kafka.SASL.Mechanism == MSKIAM && !c.Kafka.TLS.Enabled {
		d.refuse("kafka.sasl.mechanism", "needs kafka.tls.enabled: Amazon MSK takes %s with TLS only, on port 9098 (9198 from outside)", MSKIAM)
	}
}

// checkBroker checks host:port, where the port may be missing.
func (d *decoder) checkBroker(path, broker string) {
	if strings.Contains(broker, "://") || strings.ContainsAny(broker, " \t/") || broker == "" {
		d.refuse(path, "write host:port, like broker-1:9092")
		return
	}
	if strings.Contains(broker, "@") {
		at := d.place(path)
		d.found.masks.add(at.line, at.column)
		d.refuse(path, "must not hold a user name or password: they go into kafka.sasl")
		return
	}
	if _, port, err := net.SplitHostPort(broker); err == nil && !isPort(port, 1) ||
		err != nil && strings.HasSuffix(broker, ":") {
		d.refuse(path, "the port must be a number from 1 to 65535")
	}
}

func (t TLS) check(d *decoder, path string) {
	if (t.CertFile == "") != (t.KeyFile == "") {
		d.refuse(path, "cert_file and key_file go together")
	}
	if !t.Enabled && (t.CAFile != "" || t.CertFile != "" || t.KeyFile != "" || t.ServerName != "") {
		d.refuse(path, "has settings but enabled is false")
	}
}

func (s SASL) check(d *decoder, path string) {
	switch s.Mechanism {
	case "":
		if s.Username != "" || !s.Password.IsZero() || s.OAuth.given() || s.AWS.given() {
			d.refuse(path+".mechanism", "is missing, but there are credentials")
		}
	case OAuthBearer:
		s.OAuth.check(d, path+".oauth")
	case MSKIAM:
		s.AWS.check(d, path+".aws")
	default:
		if s.Username == "" {
			d.refuse(path+".username", "is needed for %s", s.Mechanism)
		}
		if s.Password.IsZero() {
			d.refuse(path+".password", "is needed for %s", s.Mechanism)
		}
	}
}

func (a AWS) given() bool {
	return !a.AccessKeyID.IsZero() || !a.SecretAccessKey.IsZero() || !a.SessionToken.IsZero()
}

func (a AWS) check(d *decoder, path string) {
	if a.given() && (a.AccessKeyID.IsZero() || a.SecretAccessKey.IsZero()) {
		d.refuse(path, "access_key_id and secret_access_key go together; without both, the keys are those of AWS's usual places")
	}
}

func (o OAuth) given() bool {
	return !o.Token.IsZero() || o.TokenURL != "" || o.ClientID != "" || !o.ClientSecret.IsZero()
}

func (o OAuth) check(d *decoder, path string) {
	switch {
	case !o.Token.IsZero() && (o.TokenURL != "" || o.ClientID != "" || !o.ClientSecret.IsZero()):
		d.refuse(path, "give a token, or token_url with client_id and client_secret, not both")
	case !o.Token.IsZero():
	case o.TokenURL == "" && o.ClientID == "" && o.ClientSecret.IsZero():
		d.refuse(path, "give a token, or token_url with client_id and client_secret")
	default:
		o.checkGrant(d, path)
	}
}

func (o OAuth) checkGrant(d *decoder, path string) {
	if u, err := url.Parse(o.TokenURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		d.refuse(path+".token_url", "write the full address, like https://login.example.com/oauth/token")
	} else if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		d.refuse(path+".token_url", "must be https, or the client secret would travel in the open")
	}
	if o.ClientID == "" {
		d.refuse(path+".client_id", "is needed for the client credentials grant")
	}
	if o.ClientSecret.IsZero() {
		d.refuse(path+".client_secret", "is needed for the client credentials grant")
	}
}

func (c *Config) checkSource(d *decoder) {
	s := c.Source
	if len(s.Topics) == 0 {
		d.refuse("source.topics", "at least one topic is needed")
	}
	if strings.TrimSpace(s.Group) == "" {
		d.refuse("source.group", "must not be blank")
	}
	if s.Start.IsZero() {
		d.refuse("source.start", "write earliest, latest or an RFC 3339 time")
	}
	for _, err := range mapping.CheckFields(s.Fields) {
		d.refuse("source.fields", "%v", err)
	}
	if _, err := mapping.ParsePointer(s.Unwrap); err != nil {
		d.refuse("source.unwrap", "%v", err)
	}
	for i, word := range s.NoIDs {
		if word == "" || mapping.Trim(word) != word {
			d.refuse(indexed("source.no_ids", i), "must be a word without blanks around it: ids are trimmed before they are compared")
		}
	}
}
