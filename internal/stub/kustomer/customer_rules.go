package kustomer

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// The bodies that Kustomer takes, after its OpenAPI document: every object refuses
// members that are not named.

var customerBody = object(map[string]rule{
	"name":                   orNull(text(0, 256)),
	"username":               orNull(text(0, 256)),
	"externalId":             orNull(text(1, 256)),
	"company":                orNull(text(1, 256)),
	"avatarUrl":              orNull(uri),
	"locale":                 orNull(text(0, 16)),
	"timeZone":               orNull(text(0, 64)),
	"defaultLang":            orNull(text(0, 100)),
	"signedUpAt":             orNull(dateTime),
	"lastActivityAt":         orNull(dateTime),
	"lastCustomerActivityAt": orNull(dateTime),
	"lastSeenAt":             orNull(dateTime),
	"birthdayAt":             orNull(dateTime),
	"createdAt":              dateTime,
	"importedAt":             dateTime,
	"gender":                 orNull(oneOf("m", "f")),
	"externalIds":            unique(10, externalIDEntry),
	"sharedExternalIds":      unique(10, externalIDEntry),
	"emails":                 unique(10, emailEntry),
	"sharedEmails":           unique(10, emailEntry),
	"phones":                 unique(10, phoneEntry),
	"sharedPhones":           unique(10, phoneEntry),
	"whatsapps":              unique(10, whatsappEntry),
	"facebookIds":            unique(10, facebookEntry),
	"instagramIds":           unique(10, instagramEntry),
	"socials":                unique(10, socialEntry),
	"sharedSocials":          unique(10, socialEntry),
	"urls":                   unique(10, urlEntry),
	"locations":              unique(10, location),
	"tags":                   tags,
	"sentiment":              sentiment,
	"custom":                 custom,
	"rev":                    number,
})

var (
	phone = pattern(text(1, 64), phoneNumber)
	email = pattern(text(3, 256), relaxedEmail)
	tags  = unique(20, pattern(text(1, 64), tagPattern))

	externalIDEntry = object(map[string]rule{"externalId": text(1, 255), "verified": boolean}, "externalId")
	emailEntry      = object(map[string]rule{
		"email": email, "type": oneOf("home", "work", "other"), "verified": boolean,
	}, "email")
	phoneEntry = object(map[string]rule{
		"phone": phone, "type": oneOf("mobile", "home", "work", "fax", "other"), "verified": boolean,
	}, "phone")
	whatsappEntry = object(map[string]rule{"phone": phone, "type": oneOf("mobile"), "verified": boolean}, "phone")
	facebookEntry = object(map[string]rule{
		"pageId": text(0, 255), "userId": text(0, 255), "name": text(0, 255),
	}, "pageId", "userId")
	instagramEntry = object(map[string]rule{
		"pageId": text(0, 255), "threadId": text(0, 255), "username": text(0, 255), "instagramId": text(0, 255),
	}, "pageId", "threadId", "username")
	socialEntry = object(map[string]rule{
		"type":     oneOf("twitter", "facebook", "instagram", "linkedin", "pinterest"),
		"username": text(1, 256), "userid": text(0, 256), "url": uri, "verified": boolean,
	}, "type", "username")
	urlEntry = object(map[string]rule{"url": text(1, math.MaxInt), "type": oneOf("website", "blog", "other")}, "url")
	location = object(map[string]rule{
		"type": orNull(oneOf("home", "work", "other")), "name": orNull(text(0, 256)),
		"address": orNull(text(0, 256)), "address2": orNull(text(0, 256)), "address3": orNull(text(0, 256)),
		"latitude": orNull(number), "longitude": orNull(number),
		"countryCode": orNull(text(2, 2)), "countryName": orNull(text(0, 64)),
		"regionCode": orNull(text(0, 2)), "regionName": orNull(text(0, 128)),
		"cityName": orNull(text(0, 128)), "zipCode": orNull(text(0, 30)), "areaCode": orNull(text(0, 30)),
	})
	sentiment = object(map[string]rule{
		"polarity": func(v any) error {
			switch stub.ScalarText(v) {
			case "-1", "0", "1":
				return number(v)
			}
			return broken("should be -1, 0 or 1")
		},
		"confidence": between(-1, 1),
	}, "polarity", "confidence")
)

var identityEvent = object(map[string]rule{
	"identity": object(map[string]rule{
		"remember": boolean, "trackingId": text(0, 256), "sessionId": text(0, 256),
		"name": orNull(text(0, 256)), "company": orNull(text(1, 256)),
		"externalId": text(1, 256), "username": text(0, 256),
		"signedUpAt": orNull(dateTime), "birthdayAt": orNull(dateTime),
		"gender": oneOf("m", "f"), "locale": text(0, 16), "timeZone": text(0, 64),
		"email": strictEmail, "phone": phone, "location": location, "tags": tags, "custom": custom,
	}),
	"event": object(map[string]rule{
		"name":       pattern(text(2, 255), eventName),
		"trackingId": text(0, 256), "sessionId": text(0, 256), "meta": meta,
	}, "name"),
}, "identity", "event")

// maxKeys is how many members custom and meta may have.
const maxKeys = 100

// customSuffixes give the type of a custom attribute. Id names a relation.
var customSuffixes = map[string]rule{
	"Num": number, "At": dateTime, "Str": text(0, 1024), "Txt": text(0, 1024),
	"Bool": boolean, "Url": uri, "Id": text(1, 256),
}

// custom are attributes whose names end in what their values are; null clears one.
func custom(v any) error {
	return properties(v, func(name string) (rule, bool) {
		check, ok := suffixRule(name)
		return orNull(check), ok
	})
}

// properties are an object of at most maxKeys members; of says which rule the value
// of a name follows, and whether there may be such a member at all.
func properties(v any, of func(name string) (rule, bool)) error {
	m, ok := v.(map[string]any)
	if !ok {
		return broken("should be object")
	}
	if len(m) > maxKeys {
		return broken("should have at most %d properties", maxKeys)
	}
	for _, name := range sortedKeys(m) {
		check, ok := of(name)
		if !ok {
			return notAllowed(name)
		}
		if err := check(m[name]); err != nil {
			return below(name, err)
		}
	}
	return nil
}

func suffixRule(name string) (rule, bool) {
	for suffix, check := range customSuffixes {
		if base, found := strings.CutSuffix(name, suffix); found && base != "" {
			return check, true
		}
	}
	return nil, false
}

// metaName is the name of a member of meta without its suffix. The vendor's text of
// 2021 asks for 3 characters at the least; shorter names are accepted here, because
// the mapping sends them as they are.
var metaName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9\-_]{0,32}$`)

// meta are an event's properties: numbers under ...Num, dates under ...At, other
// texts under any other name, nothing else.
func meta(v any) error { return properties(v, metaRule) }

func metaRule(name string) (rule, bool) {
	base, check := name, rule(metaText)
	for suffix, suffixed := range map[string]rule{"Num": number, "At": metaDate} {
		if before, found := strings.CutSuffix(name, suffix); found {
			check = suffixed
			base = cmp.Or(before, name) // a name that is nothing but a suffix
		}
	}
	return check, metaName.MatchString(base)
}

func metaDate(v any) error {
	if !isDate(v) {
		return broken("should be a date")
	}
	return nil
}

func metaText(v any) error {
	if _, ok := v.(string); !ok {
		return broken("should be string")
	}
	if isDate(v) {
		return broken("is a date and needs the suffix At")
	}
	return nil
}

var (
	// dateShape is a calendar date, alone or with a time and a zone.
	dateShape   = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?)?$`)
	dateLayouts = []string{
		time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", time.RFC3339,
	}
)

// isDate reports whether a value is a day, or a moment of one, that exists.
func isDate(v any) bool {
	s, ok := v.(string)
	return ok && dateShape.MatchString(s) && parses(s, dateLayouts...)
}

// parses reports whether a text is a moment that exists in one of the layouts. t and z
// may be lower case: RFC 3339, section 5.6.
func parses(s string, layouts ...string) bool {
	return slices.ContainsFunc(layouts, func(layout string) bool {
		_, err := time.Parse(layout, strings.ToUpper(s))
		return err == nil
	})
}
