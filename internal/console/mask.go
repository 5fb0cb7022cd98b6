package console

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/internal/output"
)

// masker masks personal data in what a page shows.
type masker struct {
	// show leaves everything as it is.
	show bool
	// key makes pseudonyms that nobody can guess names by. It is of one process.
	key []byte
}

// hidden stands for a text that is masked.
const hidden = "•••"

// person is a pseudonym for what names a person, the same for the same person: pages show that two
// events are of one person, and not whose.
func (m *masker) person(text string) string {
	if m.show || text == "" {
		return text
	}
	sum := hmac.New(sha256.New, m.key)
	_, _ = io.WriteString(sum, text) // a hash takes everything
	return "person-" + hex.EncodeToString(sum.Sum(nil)[:4])
}

var (
	mailText = regexp.MustCompile(`[^\s"'<>()\[\]{},;:=/?&]+(?:@|%40)[^\s"'<>()\[\]{},;:/?&]+`)
	// phoneText are seven digits or more as people write numbers of telephones. Ids of our own are
	// in hex, and offsets have no sign, blanks or parentheses.
	phoneText = regexp.MustCompile(`(?:\+|%2B|00)\d[\d ().-]{5,}\d|\b\d{2,4}[ -]\d{3,4}[ -]\d{2,}\b`)
	// quotedText is what messages quote.
	quotedText = regexp.MustCompile(`"[^"]*"|'[^']*'|\x60[^\x60]*\x60`)
)

// text masks what can be of a person in a text for people, as the message of an error: what it
// quotes, e-mail addresses and numbers of telephones.
func (m *masker) text(text string) string {
	if m.show {
		return text
	}
	text = quotedText.ReplaceAllStringFunc(text, func(quoted string) string {
		if inner := quoted[1 : len(quoted)-1]; isWord(inner) {
			return quoted
		}
		return quoted[:1] + hidden + quoted[len(quoted)-1:]
	})
	return maskContacts(text)
}

// texts masks each of a list.
func (m *masker) texts(list []string) []string {
	var masked []string
	for _, text := range list {
		masked = append(masked, m.text(text))
	}
	return masked
}

// uuidText is an id that can look like a number of a telephone within.
var uuidText = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// id masks the id or the type of an event: its producer may have made it of an e-mail address.
func (m *masker) id(text string) string {
	if m.show || uuidText.MatchString(text) {
		return text
	}
	return maskContacts(text)
}

// maskContacts masks e-mail addresses and numbers of telephones.
func maskContacts(text string) string {
	return phoneText.ReplaceAllString(mailText.ReplaceAllString(text, hidden), hidden)
}

// isWord reports whether a quoted text is the name of a field or a code, as error_code or
// contact.email: no name of a person has an underscore or a dot within and no capital.
func isWord(text string) bool {
	return strings.ContainsAny(text, "_.") && !strings.ContainsAny(text, "@%+ 0123456789") && text == strings.ToLower(text)
}

// url masks the values of an address: those of its query, of segments like email=..., and segments
// that are an e-mail address or a number of a telephone.
func (m *masker) url(text string) string {
	if m.show {
		return text
	}
	base, query, has := strings.Cut(text, "?")
	segments := strings.Split(base, "/")
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		name, value, pair := strings.Cut(plain, "=")
		switch {
		case i < 3: // the scheme and the host
		case err != nil || strings.ContainsAny(plain, "@ ") || phoneText.MatchString(plain):
			segments[i] = hidden
		case pair && value != "":
			segments[i] = name + "=" + hidden
		}
	}
	text = strings.Join(segments, "/")
	if !has {
		return text
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, value, _ := strings.Cut(part, "="); value != "" {
			parts[i] = name + "=" + hidden
		}
	}
	return text + "?" + strings.Join(parts, "&")
}

// The members whose values say nothing of a person: of events, and of what help desks are sent and
// answer, whose ids are the desk's own.
var (
	eventKeys = []string{"type", "event", "messageId", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "channel", "version"}
	bodyKeys  = []string{"type", "id", "ticket_id", "contact_id", "channel_id", "status", "code", "created_at", "updated_at", "createdAt", "updatedAt", "error_code"}
)

func (m *masker) event(value []byte) string { return m.json(value, eventKeys) }

func (m *masker) body(value []byte) string { return m.json(value, bodyKeys) }

// json returns JSON with one member a line. Masked, it has its members, and of their values those of
// the plain keys, booleans and nulls. Numbers are as they were written: none becomes another one. What
// is no JSON is masked as a whole.
func (m *masker) json(value []byte, plain []string) string {
	if len(value) == 0 {
		return ""
	}
	if m.show {
		return string(output.Safe([]byte(output.IndentJSON(value))))
	}
	masked, err := maskJSON(value, plain)
	if err != nil {
		return hidden
	}
	return string(output.Safe([]byte(output.IndentJSON(masked))))
}

// maskJSON writes JSON again with masked values.
func maskJSON(value []byte, plain []string) ([]byte, error) {
	in := json.NewDecoder(bytes.NewReader(value))
	in.UseNumber()
	c := jsonMask{in: in, plain: plain}
	if err := c.value("", 0); err != nil {
		return nil, err
	}
	return c.out.Bytes(), nil
}

// jsonMask copies JSON with masked values.
type jsonMask struct {
	in    *json.Decoder
	out   bytes.Buffer
	plain []string
}

// maxNesting is how deep a value is shown.
const maxNesting = 200

var errNesting = errors.New("the value is nested too deep")

// value copies the next value, which is that of a key.
func (c *jsonMask) value(key string, depth int) error {
	token, err := c.in.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	switch {
	case !nested:
		return c.scalar(key, token)
	case depth > maxNesting:
		return errNesting
	}
	c.out.WriteRune(rune(open))
	for first := true; c.in.More(); first = false {
		if !first {
			c.out.WriteByte(',')
		}
		if err := c.member(key, open == '{', depth); err != nil {
			return err
		}
	}
	if _, err := c.in.Token(); err != nil {
		return err
	}
	c.out.WriteRune(rune(open) + 2) // the closing one, for [ and for {
	return nil
}

// member copies the next member of an object, or the next element of the array of a key.
func (c *jsonMask) member(key string, named bool, depth int) error {
	if named {
		name, err := c.in.Token()
		if err != nil {
			return err
		}
		key, _ = name.(string)
		if err := writeJSON(&c.out, maskContacts(key)); err != nil { // one can be made of an address
			return err
		}
		c.out.WriteByte(':')
	}
	return c.value(key, depth+1)
}

func (c *jsonMask) scalar(key string, token json.Token) error {
	plain := slices.Contains(c.plain, key)
	switch v := token.(type) {
	case string:
		if !plain || maskContacts(v) != v {
			token = hidden
		}
	case json.Number:
		if !plain {
			token = hidden
		}
	}
	return writeJSON(&c.out, token)
}

func writeJSON(out *bytes.Buffer, value any) error {
	enc := output.NewEncoder(out)
	if err := enc.Encode(value); err != nil {
		return err
	}
	out.Truncate(out.Len() - 1) // the line's end
	return nil
}
