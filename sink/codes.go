package sink

import (
	"slices"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// Classes are all classes of death.
func Classes() []Class { return []Class{Invalid, Rejected, Exhausted, Expired, Unknown} }

// Codes are all codes of death but those of an answer's status, which are http_NNN.
func Codes() []mapping.Code {
	return []mapping.Code{
		mapping.NotJSON, mapping.NotAnObject, mapping.TooDeep, mapping.BadAvro, mapping.UnknownSchema,
		mapping.MissingType, mapping.WrongType, mapping.MissingEvent, mapping.MissingIdentifier, mapping.MissingIdentity,
		mapping.MissingChannel, mapping.InvalidID, mapping.InvalidEventName, mapping.TemplateError,
		ContactNotFound, AmbiguousContact, UnknownName, WindowClosed, BadAnswer, Timeout, Connection, TLS, Redirect, TooOld, Panic,
	}
}

// IsCode reports whether code is one of Codes, or that of a status.
func IsCode(code mapping.Code) bool {
	if digits, ok := strings.CutPrefix(string(code), "http_"); ok {
		status, err := strconv.Atoi(digits)
		return err == nil && 100 <= status && status <= 999
	}
	return slices.Contains(Codes(), code)
}
