package topics

import (
	"regexp"

	"github.com/deskstream/deskstream/sink"
)

// varying finds what differs between messages of one cause: quoted texts, UUIDs,
// addresses, hexadecimal ids with a digit in them and numbers.
var varying = regexp.MustCompile(`"[^"]*"|\B'[^']*'|` + "`[^`]*`" +
	`|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}` +
	`|[^\s@]+@[^\s@]+` +
	`|[0-9]+(?:\.[0-9]+)+` +
	`|\b(?:0x)?[0-9A-Fa-f]*[0-9][0-9A-Fa-f]*\b` +
	`|[0-9]+`)

// Fingerprint is the value of dlq.fingerprint: the first 8 bytes, in hex, of the
// SHA-256 of destination, stage, class, code and the message with all that varies
// replaced. Letters that died of the same cause have the same.
func Fingerprint(destination string, e sink.ErrorInfo) string {
	return digest(8, destination, string(e.Stage), string(e.Class), string(e.Code), Normalised(e.Message))
}

// Normalised is a message with what differs between messages of one cause replaced.
func Normalised(message string) string { return varying.ReplaceAllLiteralString(message, "#") }
