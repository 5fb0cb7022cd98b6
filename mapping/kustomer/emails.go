package kustomer

import (
	"regexp"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// firstEmail is the first usable e-mail address of the event that is alone or in a
// list in its place, and where it was found. Those of the trait emails are not asked, as
// in RudderStack's destination.
func firstEmail(ev mapping.Event) source {
	for s := range sources(ev, emailPaths) {
		if address, ok := emailIn(s.value, emailAddress); ok {
			return source{s.path, mapping.Str(address)}
		}
	}
	return source{}
}

// emailIn is the first usable address of a value that entries are made of. read takes it
// out of a text.
func emailIn(v mapping.Value, read func(string) (string, bool)) (string, bool) {
	if v.Kind() != mapping.Array {
		return read(emailOf(v))
	}
	for _, m := range v.Members() {
		if address, ok := read(emailOf(m.Value)); ok {
			return address, true
		}
	}
	return "", false
}

// emailOf is the text of an entry's address, or the one that stands for an entry.
func emailOf(v mapping.Value) string {
	if v.Kind() == mapping.Object {
		v = v.Get("email")
	}
	return v.Str()
}

// emailAddress is the address in a text, for a customer. One with a blank in it is taken
// as it is when it can be nothing else: Kustomer's own rule is not public.
func emailAddress(text string) (string, bool) {
	if address, ok := mapping.EmailAddress(text); ok {
		return address, true
	}
	text = mapping.Trim(text)
	return text, len(text) <= mapping.MaxEmail && withBlank.MatchString(text)
}

var withBlank = regexp.MustCompile(`^[^@<>,;\s\p{Cc}]+( [^@<>,;\s\p{Cc}]+)*@[^@<>,;\s\p{Cc}]+\.[^@<>,;\s\p{Cc}]+$`)

// emailText takes a text that holds an e-mail address.
func emailText(n *notes, label string, v mapping.Value) mapping.Value {
	address, ok := emailAddress(v.Str())
	if !ok {
		n.leftOut(label, whyNoEmail)
		return mapping.Value{}
	}
	return mapping.Str(address)
}

// identityEmail takes a text, an object or a list that has an e-mail address, for a
// tracking event.
func identityEmail(n *notes, label string, v mapping.Value) mapping.Value {
	address, ok := emailIn(v, strictEmail)
	if !ok {
		n.leftOut(label, whyNoEmail)
		return mapping.Value{}
	}
	return mapping.Str(address)
}

// strictEmail is the address in a text, for the tracking API: it refuses the event for one
// that is none by RFC 5321. Quoted names and numeric hosts are left out: nobody's mailbox
// has them.
func strictEmail(text string) (string, bool) {
	address, ok := mapping.EmailAddress(text)
	name, host, _ := strings.Cut(address, "@")
	return address, ok && isDotted(name) && isDotted(host) && !strings.ContainsAny(address, `"\()[]:`)
}

// isDotted reports whether all parts between dots have something in them.
func isDotted(text string) bool {
	return !strings.HasPrefix(text, ".") && !strings.HasSuffix(text, ".") && !strings.Contains(text, "..")
}

const whyNoEmail = "it is no e-mail address"
