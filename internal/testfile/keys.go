package testfile

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/deskstream/deskstream/internal/config"
)

// blocks are the parts of a file, by the names of their types, with what people call them.
var blocks = map[string]struct {
	name string
	typ  reflect.Type
}{
	"File":        {"a file of tests", reflect.TypeFor[File]()},
	"Test":        {"a test", reflect.TypeFor[Test]()},
	"Key":         {"an entry of keys", reflect.TypeFor[Key]()},
	"Answer":      {"an entry of answers", reflect.TypeFor[Answer]()},
	"Expectation": {"an entry of expect", reflect.TypeFor[Expectation]()},
}

// unknownKey is how the parser names a key that a type does not have.
var unknownKey = regexp.MustCompile(`^field (.+) not found in type testfile\.(\w+)$`)

// plainly is a message of the parser in the words of a file.
func plainly(message string) string {
	found := unknownKey.FindStringSubmatch(message)
	if found == nil {
		return message
	}
	block, ok := blocks[found[2]]
	if !ok {
		return message
	}
	keys := keysOf(block.typ)
	text := fmt.Sprintf("%s has no key %q", block.name, found[1])
	if near := config.Nearest(found[1], keys); near != "" {
		return text + ", the nearest is " + near
	}
	return text + ": it has " + strings.Join(keys, ", ")
}

// keysOf are the keys of a part of a file, in their order.
func keysOf(t reflect.Type) (keys []string) {
	for field := range t.Fields() {
		if key, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
