package config

import (
	"encoding"
	"errors"
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
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("write a duration with its unit, like 500ms, 30s or 10m")
	}
	if d < 0 {
		return errors.New("a duration cannot be negative")
	}
	v.SetInt(int64(d))
	return nil
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
