package testfile

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/deskstream/deskstream/sink"
)

// Call is a write that is expected. In a file "POST /tickets" is short for one whose body is not
// compared.
type Call struct {
	Method string `yaml:"method"`
	Path   string `yaml:"path"` // with the query, below base_url
	// Body has the members that are compared, all of them with Exact.
	Body  Value `yaml:"body,omitempty"`
	Exact bool  `yaml:"exact,omitempty"`
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *Call) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		method, path, ok := strings.Cut(strings.TrimSpace(node.Value), " ")
		if *c = (Call{Method: method, Path: path}); !ok {
			return fmt.Errorf("line %d: write a call as METHOD PATH, or as method, path and body", node.Line)
		}
		return nil
	}
	type plainCall Call
	var p plainCall
	for i := 0; i+1 < len(node.Content); i += 2 {
		switch key := node.Content[i]; key.Value {
		case "method", "path", "body", "exact":
		default:
			return fmt.Errorf("line %d: a call has no %q: it has method, path, body and exact", key.Line, key.Value)
		}
	}
	if err := node.Decode(&p); err != nil {
		return err
	}
	if *c = Call(p); c.Method == "" || c.Path == "" {
		return errors.New("line " + fmt.Sprint(node.Line) + ": a call needs method and path")
	}
	return nil
}

// text is the call on one line.
func (c *Call) text() string { return c.Method + " " + c.Path }

// pathOf is a URL below a destination's base URL, readable: what stands for an id is not escaped.
func pathOf(full, base string) string {
	path, _ := strings.CutPrefix(full, strings.TrimSuffix(base, "/"))
	if path == "" {
		path = "/"
	}
	if readable, err := url.PathUnescape(path); err == nil {
		return readable
	}
	return path
}

// samePath reports whether a path that is written in a file means another one.
func samePath(written, path string) bool {
	readable, err := url.PathUnescape(written)
	return written == path || err == nil && readable == path
}

// callsOf are the writes and the lookups of an outcome.
func callsOf(o *sink.Outcome, base string) (writes []Call, lookups []string) {
	for _, made := range o.Calls {
		path := pathOf(made.URL, base)
		if made.Lookup {
			lookups = append(lookups, path)
			continue
		}
		c := Call{Method: made.Method, Path: path}
		if !made.Request.IsZero() {
			c.Body = Value(made.Request.String())
		}
		writes = append(writes, c)
	}
	return writes, lookups
}
