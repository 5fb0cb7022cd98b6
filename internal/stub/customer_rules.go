package stub

import (
	"regexp"
	"strings"
	"time"
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
	urlEntry = object(map[string]rule{"url": text(1, 2048), "type": oneOf("website", "blog", "other")}, "url")
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
			switch scalarText(v) {
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
	return properties(v, func(name string, value any) error {
		check, ok := suffixRule(name)
		if !ok {
			return broken("has no suffix of a custom attribute")
		}
		return orNull(check)(value)
	})
}

// properties are an object of some names, of which check judges each with its value.
func properties(v any, check func(name string, value any) error) error {
	m, ok := v.(map[string]any)
	if !ok {
		return broken("should be object")
	}
	if len(m) > maxKeys {
		return broken("should have at most %d properties", maxKeys)
	}
	for _, name := range sortedKeys(m) {
		if err := check(name, m[name]); err != nil {
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

// metaKey: 3 to 33 characters before the suffix.
var metaKey = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9\-_]{2,32}$`)

// meta are an event's properties: numbers under ...Num, dates under ...At, other
// texts under any other name, nothing else.
func meta(v any) error { return properties(v, metaMember) }

func metaMember(name string, v any) error {
	base, isNum := strings.CutSuffix(name, "Num")
	isAt := false
	if !isNum {
		base, isAt = strings.CutSuffix(name, "At")
	}
	if !metaKey.MatchString(base) {
		return broken("is not a valid name")
	}
	switch {
	case isNum:
		return number(v)
	case isAt:
		if !isDate(v) {
			return broken("should be a date")
		}
	case isDate(v):
		return broken("is a date and needs the suffix At")
	default:
		if _, ok := v.(string); !ok {
			return broken("should be string")
		}
	}
	return nil
}

// dateShape is a calendar date, alone or with a time and a zone.
var dateShape = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?)?$`)

func isDate(v any) bool {
	s, ok := v.(string)
	if !ok || !dateShape.MatchString(s) {
		return false
	}
	_, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)])
	return err == nil
}
