package kustomer

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// rule says what is wrong with a value, nil for nothing. Messages begin where the
// path to the value ends and quote no value.
type rule func(v any) error

// ruleError is a broken rule and where.
type ruleError struct {
	path, message string
	// notAllowed is set for a member that its object does not take, and member is its name.
	notAllowed bool
	member     string
}

func (e *ruleError) Error() string { return strings.TrimPrefix(e.path, "/") + " " + e.message }

func broken(format string, args ...any) error {
	return &ruleError{message: fmt.Sprintf(format, args...)}
}

// notAllowed is the broken rule of an object that does not take a member of a name.
func notAllowed(name string) error {
	return &ruleError{path: "/" + name, message: "is not an allowed property", notAllowed: true, member: name}
}

// below puts a step in front of the path of an error.
func below(step string, err error) error {
	if e, ok := errors.AsType[*ruleError](err); ok {
		above := *e
		above.path = "/" + step + e.path
		return &above
	}
	return err
}

// object allows the named members only; required ones must be there.
func object(members map[string]rule, required ...string) rule {
	return func(v any) error {
		m, ok := v.(map[string]any)
		if !ok {
			return broken("should be object")
		}
		for _, name := range required {
			if _, ok := m[name]; !ok {
				return below(name, broken("is required"))
			}
		}
		for _, name := range sortedKeys(m) {
			check, ok := members[name]
			if !ok {
				return notAllowed(name)
			}
			if err := check(m[name]); err != nil {
				return below(name, err)
			}
		}
		return nil
	}
}

func sortedKeys(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// orNull also allows null.
func orNull(r rule) rule {
	return func(v any) error {
		if v == nil {
			return nil
		}
		return r(v)
	}
}

// unique is a list of at most n different elements.
func unique(n int, element rule) rule {
	return func(v any) error {
		list, ok := v.([]any)
		if !ok {
			return broken("should be array")
		}
		if len(list) > n {
			return broken("should have at most %d items", n)
		}
		seen := make(map[string]bool, len(list))
		for i, e := range list {
			if err := element(e); err != nil {
				return below(fmt.Sprint(i), err)
			}
			text, err := json.Marshal(e)
			if err != nil || seen[string(text)] {
				return broken("should have unique items")
			}
			seen[string(text)] = true
		}
		return nil
	}
}

// text is a string of least to most characters.
func text(least, most int) rule {
	return func(v any) error {
		s, ok := v.(string)
		if !ok {
			return broken("should be string")
		}
		if n := utf8.RuneCountInString(s); n < least || n > most {
			return broken("should have %d to %d characters", least, most)
		}
		return nil
	}
}

// pattern is a text that an expression matches.
func pattern(base rule, expression *regexp.Regexp) rule {
	return func(v any) error {
		if err := base(v); err != nil {
			return err
		}
		if !expression.MatchString(v.(string)) {
			return broken("should match the pattern")
		}
		return nil
	}
}

func oneOf(allowed ...string) rule {
	return func(v any) error {
		if s, ok := v.(string); !ok || !slices.Contains(allowed, s) {
			return broken("should be one of %s", strings.Join(allowed, ", "))
		}
		return nil
	}
}

func boolean(v any) error {
	if _, ok := v.(bool); !ok {
		return broken("should be boolean")
	}
	return nil
}

func number(v any) error {
	if _, ok := v.(json.Number); !ok {
		return broken("should be number")
	}
	return nil
}

// between is a number in a closed range.
func between(least, most float64) rule {
	return func(v any) error {
		n, ok := v.(json.Number)
		if !ok {
			return broken("should be number")
		}
		if f, err := n.Float64(); err != nil || f < least || f > most {
			return broken("should be %v to %v", least, most)
		}
		return nil
	}
}

func dateTime(v any) error {
	s, ok := v.(string)
	if !ok {
		return broken("should be string")
	}
	// Package time takes a comma in a fraction and hours of one digit too.
	if !dateShape.MatchString(s) || !parses(s, time.RFC3339) {
		return broken("should be a date-time")
	}
	return nil
}

func uri(v any) error {
	s, ok := v.(string)
	if !ok {
		return broken("should be string")
	}
	if u, err := url.Parse(s); err != nil || u.Scheme == "" || u.Host+u.Opaque+u.Path == "" {
		return broken("should be a uri")
	}
	return nil
}

// strictEmail is JSON Schema's email format.
func strictEmail(v any) error {
	s, ok := v.(string)
	if !ok {
		return broken("should be string")
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return broken("should be an email")
	}
	return nil
}

var (
	// relaxedEmail and phoneNumber stand for server-side checks that are not public:
	// letters are surely no part of a number.
	relaxedEmail = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	phoneNumber  = regexp.MustCompile(`^(\+?\(?|\(\+)[0-9][0-9 ().\-/]{2,29}$`)
	tagPattern   = regexp.MustCompile(`^[0-9a-zA-ZÀ-ÿ_/<>\-.][0-9a-zA-ZÀ-ÿ _/<>\-.]{0,63}$`)
	eventName    = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9\-_.]+$`)
)
