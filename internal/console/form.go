package console

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
)

// maxFieldName is how much of the name of a field an error says, in bytes.
const maxFieldName = 60

// unknownField is the error of the first field of a form, or parameter of an address, that is none of the
// known ones, nil without one. To ignore a misspelled one would pick more letters than its sender meant.
func unknownField(query url.Values, known ...[]string) error {
	all := slices.Concat(known...)
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if name != "" && !slices.Contains(all, name) {
			shown := output.Line(name[:min(len(name), maxFieldName)])
			return &config.FlagError{Err: fmt.Errorf("there is no parameter %s: those of this address are %s", shown, strings.Join(all, ", "))}
		}
	}
	return nil
}

// malformedField returns the name of the first field of a form, or parameter of an address, that is not
// encoded as one. The standard library leaves such a field out, so that a filter would pick more
// letters than its sender meant.
func malformedField(encoded string) (name string, found bool) {
	for pair := range strings.SplitSeq(encoded, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		if err == nil {
			_, err = url.QueryUnescape(value)
		}
		if err != nil || strings.Contains(pair, ";") {
			return output.Line(plain[:min(len(plain), maxFieldName)]), true
		}
	}
	return "", false
}
