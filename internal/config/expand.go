package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/deskstream/deskstream/internal/file"
)

// LookupFunc finds an environment variable, as os.LookupEnv does. It is also asked for file:PATH
// before that file is read, so that a test of a configuration needs no secrets: no environment has
// such a name.
type LookupFunc func(name string) (value string, found bool)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces ${NAME}, ${NAME:-default} (for a variable that is not set or
// empty, as in a shell) and ${file:PATH} in a scalar's text. $${ stands for a
// literal ${. The second result reports whether anything was replaced.
func expand(text string, lookup LookupFunc) (string, bool, error) {
	var b strings.Builder
	replaced := false
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			b.WriteString(text)
			return b.String(), replaced, nil
		}
		if i > 0 && text[i-1] == '$' {
			b.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			return "", false, errors.New("${ without its }; write $${ for a literal ${")
		}
		value, err := resolve(text[i+2:i+end], lookup)
		if err != nil {
			return "", false, err
		}
		b.WriteString(text[:i] + value)
		text = text[i+end+1:]
		replaced = true
	}
}

// resolve gives the value of what stands between ${ and }. Its errors name the
// variable or file and never show a value.
func resolve(reference string, lookup LookupFunc) (string, error) {
	if path, ok := strings.CutPrefix(reference, "file:"); ok {
		if text, given := lookup(reference); given {
			return text, nil
		}
		return readSecretFile(path)
	}
	name, fallback, hasFallback := strings.Cut(reference, ":-")
	if !variableName.MatchString(name) {
		return "", errors.New("what stands in ${} is no variable name; write ${NAME}, ${NAME:-default} or ${file:PATH}")
	}
	if strings.Contains(fallback, "${") {
		return "", fmt.Errorf("the default of ${%s} cannot hold another ${}", name)
	}
	value, found := lookup(name)
	switch {
	case found && (value != "" || !hasFallback):
		return value, nil
	case hasFallback:
		return fallback, nil
	}
	return "", fmt.Errorf("the environment variable %s is not set", name)
}

// What stands in a ${} has characters that mean something in YAML, inside [ ] and { }
// above all. They are replaced by characters for private use while the file is parsed,
// one by one, so that columns stay.
const (
	special  = "{}[],:# "
	shielded = '\uE000' // stands for the first of them
)

var reference = regexp.MustCompile(`\$\{[^}\n]*\}`)

// shield makes every ${} of the file plain text to the parser. A second $ before it
// makes no difference.
func shield(src string) string {
	return reference.ReplaceAllStringFunc(src, func(found string) string {
		return strings.Map(func(r rune) rune {
			if i := strings.IndexRune(special, r); i >= 0 {
				return shielded + rune(i)
			}
			return r
		}, found)
	})
}

// unshield is the reverse of shield.
func unshield(text string) string {
	return strings.Map(func(r rune) rune {
		if i := r - shielded; i >= 0 && int(i) < len(special) {
			return rune(special[i])
		}
		return r
	}, text)
}

// bareReference is what a shell replaces and this program does not.
var bareReference = regexp.MustCompile(`^\$[A-Za-z_][A-Za-z0-9_]*$`)

var fileReference = regexp.MustCompile(`\$\{file:([^}]*)\}`)

// warnOfReaders warns of a credential's file that everybody on the machine may read.
func (d *decoder) warnOfReaders(path, written string) {
	for _, found := range fileReference.FindAllStringSubmatch(written, -1) {
		if info, err := os.Stat(found[1]); err == nil && info.Mode().Perm()&0o004 != 0 {
			d.warn(path, "everybody on this machine may read the file %q: give it mode 0600 (0400 as defaultMode of a Kubernetes secret)", found[1])
		}
	}
}

// readSecretFile reads a regular file of at most 1 MiB without its last line break, as
// secrets are mounted into containers.
func readSecretFile(path string) (string, error) {
	data, err := file.Read(context.Background(), path, file.MaxSmall)
	if err != nil {
		return "", fmt.Errorf("reading %w", err)
	}
	text := strings.TrimSuffix(string(data), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}
