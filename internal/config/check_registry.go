package config

import (
	"net/url"
	"strings"
)

func (c *Config) checkRegistry(d *decoder) {
	r := c.SchemaRegistry
	for i, address := range r.URLs {
		d.checkRegistryURL(indexed("schema_registry.urls", i), address, r.TLS.Enabled)
	}
	if (r.Username == "") != r.Password.IsZero() {
		d.refuse("schema_registry", "username and password go together")
	}
	if r.Username != "" && !r.Token.IsZero() {
		d.refuse("schema_registry", "give a username and password, or a token, not both")
	}
	r.TLS.check(d, "schema_registry.tls")
	if len(r.URLs) > 0 {
		return
	}
	if r.Username != "" || !r.Token.IsZero() || r.TLS.Enabled || r.AutoRegister {
		d.refuse("schema_registry.urls", "is missing, but there are other settings")
	}
	if c.Source.Format == FormatAvro && c.Source.SchemaFile == "" {
		d.refuse("source.format", "avro needs schema_registry.urls or source.schema_file")
	}
	if c.Responses.Format == FormatAvro {
		d.refuse("responses.format", "avro needs schema_registry.urls")
	}
}

// checkRegistryURL checks an address. Its credentials have keys of their own, because
// an address is shown in messages.
func (d *decoder) checkRegistryURL(path, address string, encrypted bool) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		d.refuse(path, "write an address like https://registry.example.com")
	case u.User != nil:
		at := d.place(path)
		d.found.masks.add(at.line, at.column)
		d.refuse(path, "must not hold credentials: give username and password")
	case u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(address, "?#"):
		d.refuse(path, "must not have a query or a fragment")
	case encrypted && u.Scheme != "https":
		d.refuse(path, "must be https, because tls is enabled")
	}
}
