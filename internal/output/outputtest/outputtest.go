// Package outputtest has texts with which tests try what is shown on a terminal.
package outputtest

import "strings"

// Hostile are texts that customers, other programs and APIs may send, and that a terminal
// would obey, show as something else, or drown in. Each has a line that is forged.
var Hostile = map[string]string{
	"colours":         "\x1b[1m\x1b[41m\nFORGED",
	"title":           "\x1b]0;t\x07\nFORGED",
	"C1":              "a\u009b1mb\u0085FORGED\u009d0;t\u009c",
	"delete":          "a\x7f\b\b\rFORGED",
	"lines":           "a\r\nFORGED\vFORGED\fFORGED\u2028FORGED\u2029FORGED",
	"directions":      "a\u202eb\u202a\u202d\u2066c\u2069\u200e\u200f\u061c\nFORGED",
	"without a width": "a\u200bb\ufeffc\u2060\nFORGED",
	"NUL":             "a\x00b\nFORGED",
	"no UTF-8":        "a\xffb\xc3\x28\xed\xa0\x80\nFORGED",
	"long":            strings.Repeat("7", 40<<10) + "\nFORGED",
}
