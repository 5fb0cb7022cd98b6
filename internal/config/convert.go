package config

import (
	"encoding"
	"errors"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"time"
)

var (
	integerText = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	decimalText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)?(\.[0-9]+)?$`)
)

// convert sets v from a scalar's text. Its errors say how the text should look and
// do not quote it.
func convert(v reflect.Value, text string) error {
	if v.Type() == durationType {
		return convertDuration(v, text)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.Bool:
		if text != "true" && text != "false" {
			return errors.New("write true or false")
		}
		v.SetBool(text == "true")
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !integerText.MatchString(text) {
			return errors.New("write a whole number in digits")
		}
		v.SetInt(n)
	case reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !decimalText.MatchString(text) {
			return errors.New("write a number like 0.5")
		}
		v.SetFloat(n)
	default:
		v.SetString(text)
	}
	return nil
}

func convertDuration(v reflect.Value, text string) error {
	d, err := parseDuration(text)
	if err != nil {
		return errors.New("write a duration with its unit, like 500ms, 30s, 10m or 90d")
	}
	if d < 0 {
		return errors.New("a duration cannot be negative")
	}
	v.SetInt(int64(d))
	return nil
}

// days is a number of days at the beginning of a duration.
var days = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)d`)

// parseDuration reads a duration that may begin with days of 24 hours: 90d, 1d12h.
func parseDuration(text string) (time.Duration, error) {
	found := days.FindStringSubmatch(text)
	if found == nil {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseFloat(found[1], 64)
	if err != nil || n*24 > math.MaxInt64/float64(time.Hour) {
		return 0, errors.New("too long")
	}
	of := time.Duration(n * 24 * float64(time.Hour))
	if text = text[len(found[0]):]; text == "" {
		return of, nil
	}
	rest, err := time.ParseDuration(text)
	if rest < 0 || of+rest < of {
		return 0, errors.New("too long")
	}
	return of + rest, err
}

// inRange checks a converted number against the field's tags.
func inRange(v reflect.Value, f field) error {
	if f.min != "" && number(v) < bound(f.typ, f.min) {
		return errors.New("must be at least " + f.min)
	}
	if f.below != "" && number(v) >= bound(f.typ, f.below) {
		return errors.New("must be below " + f.below)
	}
	return nil
}

func number(v reflect.Value) float64 {
	if v.CanFloat() {
		return v.Float()
	}
	return float64(v.Int())
}

func bound(t reflect.Type, tag string) float64 {
	v := reflect.New(t).Elem()
	if err := convert(v, tag); err != nil {
		panic("bound " + tag + ": " + err.Error()) // a fault of the tag, found by every test
	}
	return number(v)
}
