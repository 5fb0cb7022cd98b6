package letters_test

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/mapping/avro"
)

func TestAdvice_whatCannotBeReadYetIsNotToBeDiscarded(t *testing.T) {
	tests := map[string]struct {
		code, message string
		discard       bool
	}{
		"a schema that is not known":    {"unknown_schema", "the schema registry does not have schema 7, or not all that it refers to", false},
		"AWS Glue":                      {"unknown_schema", "the value is of AWS Glue's schema x", false},
		"a schema that cannot be used":  {"bad_avro", avro.Unusable + "schema 7: the schema is of string, and an event is a record", false},
		"an encoding that is not read":  {"bad_avro", avro.Unusable + "encoding: the data is JSON", false},
		"bytes that do not fit":         {"bad_avro", "schema 7: userId ends before it is complete, at byte 1", true},
		"bytes of no kind that is read": {"not_json", "not valid UTF-8, at byte 0", true},
	}
	for name, tt := range tests {
		l := letters.Letter{Dialect: letters.Own, Class: "invalid", Code: tt.code, Message: tt.message}
		got := letters.Advice(&l)
		if strings.Contains(got, "discard") != tt.discard || !tt.discard && !strings.Contains(got, "dlq plan") {
			t.Errorf("%s: the advice is %q", name, got)
		}
		if strings.Contains(tt.message, avro.Unusable) && !strings.Contains(got, "the record is sound") {
			t.Errorf("%s: the advice %q blames the record", name, got)
		}
	}
}
