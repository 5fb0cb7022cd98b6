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
	codes := make([]mapping.Code, 0, len(codeInfos))
	for _, info := range codeInfos {
		if !strings.HasPrefix(string(info.Code), statusPrefix) {
			codes = append(codes, info.Code)
		}
	}
	return codes
}

// IsCode reports whether code is one of Codes, or that of a status.
func IsCode(code mapping.Code) bool {
	if digits, ok := strings.CutPrefix(string(code), statusPrefix); ok {
		status, err := strconv.Atoi(digits)
		return err == nil && 100 <= status && status <= 999
	}
	return slices.Contains(Codes(), code)
}
