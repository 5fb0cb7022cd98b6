package console

import (
	"net/url"
	"strings"

	"github.com/deskstream/deskstream/internal/output"
)

// maxFieldName is how much of the name of a field an error says, in bytes.
const maxFieldName = 60

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
