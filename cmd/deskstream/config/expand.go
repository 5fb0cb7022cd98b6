package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// LookupFunc finds an environment variable, as os.LookupEnv does.
type LookupFunc func(name string) (value string, found bool)

// maxFile is how much of a file ${file:PATH} may bring in, in bytes.
const maxFile = 1 << 20

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces ${NAME}, ${NAME:-default} (for a variable that is not set or
// empty, as in a shell) and ${file:PATH} in a scalar's text. $${ stands for a
// literal ${. The second result tells whether anything was replaced.
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

// readSecretFile reads a file without its last line break, as secrets are mounted
// into containers.
func readSecretFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fileError(path, err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", fileError(path, err)
	}
	if len(data) > maxFile {
		return "", fmt.Errorf("the file %q is larger than 1 MiB", path)
	}
	text := strings.TrimSuffix(string(data), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}

func fileError(path string, err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err // without the path, which is named already
	}
	return fmt.Errorf("reading the file %q: %w", path, err)
}
