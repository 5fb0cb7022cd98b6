package call

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/deskstream/deskstream/mapping"
)

// maxPath is how long a path may be, and a query, in bytes as they are sent. Servers take 8 KiB of
// a request line, and less.
const maxPath = 4 << 10

// maxDecodings is how often a segment is decoded to look for what is hidden in it: once by the
// desk, and by proxies on the way.
const maxDecodings = 8

// segments are those of a path as the desk will decode them. The error is invalid_path.
func segments(path string) ([]string, error) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return nil, mapping.FieldError(mapping.InvalidPath, "path", "does not begin with a slash: it is what follows base_url")
	}
	if strings.ContainsAny(path, "?#") {
		return nil, mapping.FieldError(mapping.InvalidPath, "path", "has a ? or # in it: parameters belong in query, and a character of a value is written %3F or %23")
	}
	if len(path) > maxPath {
		return nil, mapping.FieldError(mapping.InvalidPath, "path", "is longer than 4 KiB")
	}
	var decoded []string
	for segment := range strings.SplitSeq(rest, "/") {
		text, err := url.PathUnescape(segment)
		if err != nil {
			return nil, mapping.FieldError(mapping.InvalidPath, "path", "has a % that two hexadecimal digits do not follow")
		}
		if fault := hidden(text); fault != "" {
			return nil, mapping.FieldError(mapping.InvalidPath, "path", fault)
		}
		decoded = append(decoded, text)
	}
	return decoded, nil
}

// hidden says what about a decoded segment could lead elsewhere, "" for nothing. Whoever is on
// the way may decode it once more.
func hidden(segment string) string {
	for range maxDecodings {
		if fault := faultOf(segment); fault != "" {
			return fault
		}
		again, err := url.PathUnescape(segment)
		if err != nil || again == segment {
			return "" // a percent sign that stands for itself
		}
		segment = again
	}
	return "is encoded more than eight times"
}

func faultOf(segment string) string {
	// Some servers cut what follows a semicolon, and blanks around a name.
	name, _, _ := strings.Cut(segment, ";")
	switch name = strings.TrimFunc(name, unicode.IsSpace); {
	case name == "":
		return "has an empty segment"
	case name == "." || name == "..":
		return "has a segment that is . or .."
	case strings.Contains(segment, "/"):
		return "has an encoded slash"
	case strings.Contains(segment, `\`):
		return `has a \`
	case strings.ContainsFunc(segment, unicode.IsControl):
		return "has a control character"
	case !utf8.ValidString(segment):
		return "is not UTF-8 after decoding"
	}
	return ""
}

// joined is the path of decoded segments as it is sent. Some servers read a plus sign as a blank.
func joined(segments []string) string {
	var path strings.Builder
	for _, s := range segments {
		path.WriteByte('/')
		path.WriteString(strings.ReplaceAll(url.PathEscape(s), "+", "%2B"))
	}
	return path.String()
}
