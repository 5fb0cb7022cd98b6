package config

import (
	"errors"
	"strings"
	"unicode"

	"github.com/deskstream/deskstream/sink"
)

var (
	errBlankSecret  = errors.New("there is nothing but blanks where the secret was")
	errBrokenSecret = errors.New("the secret has a control character, such as a line break")
)

// secretOf is a secret that is written in the file as written and reads as text. One that
// comes from a file can be read again.
func secretOf(written, text string, lookup LookupFunc) Secret {
	if !strings.Contains(written, "${file:") {
		return sink.NewSecret(text)
	}
	return sink.NewRereadSecret(text, func() (string, error) {
		text, _, err := expand(written, lookup)
		switch {
		case err != nil:
			return "", err
		case strings.TrimSpace(text) == "": // written at this moment, most likely
			return "", errBlankSecret
		case strings.ContainsFunc(text, unicode.IsControl):
			return "", errBrokenSecret
		}
		return text, nil
	})
}
