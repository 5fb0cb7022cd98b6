package testfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/file"
	"github.com/deskstream/deskstream/internal/ndjson"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
)

// File is a file of tests.
type File struct {
	// Config is the configuration, beside the file; "" for that of the command line.
	Config string `yaml:"config"`
	// Env are variables of the environment that the configuration reads, and Files secret files that
	// it names. They count before those of the machine.
	Env   map[string]string `yaml:"env"`
	Files map[string]string `yaml:"files"`
	Tests []Test            `yaml:"tests"`

	path string
}

// Test is one test: events, and what is expected of them.
type Test struct {
	Name string `yaml:"name"`
	// Destinations are those to plan for, all if empty.
	Destinations []string `yaml:"destinations"`
	// Events are planned in their order, after those of EventsFile (NDJSON, beside the file).
	EventsFile string  `yaml:"events_file"`
	Events     []Value `yaml:"events"`
	// Keys are on record, and Answers are what help desks answer; other lookups find nothing.
	Keys    []Key         `yaml:"keys"`
	Answers []Answer      `yaml:"answers"`
	Expect  []Expectation `yaml:"expect"`

	line   int
	values [][]byte
}

// Key is a key of a rule that an earlier event has put on record.
type Key struct {
	Destination string `yaml:"destination"`
	Lane        string `yaml:"lane"` // of the events, a user's id mostly
	Key         string `yaml:"key"`
	Ticket      string `yaml:"ticket"`
	Closed      bool   `yaml:"closed"`
}

// Answer is what a help desk answers to a lookup.
type Answer struct {
	Destination string `yaml:"destination"`
	Get         string `yaml:"get"` // the path and query, below base_url
	Status      int    `yaml:"status"`
	Body        Value  `yaml:"body"`

	asked bool
}

// Expectation is what is expected of an event at a destination. What is not set is not compared.
type Expectation struct {
	Event       int      `yaml:"event,omitempty"` // from 1; 0 for the only one
	Destination string   `yaml:"destination,omitempty"`
	Outcome     string   `yaml:"outcome,omitempty"`
	Reason      string   `yaml:"reason,omitempty"`
	Code        string   `yaml:"code,omitempty"`
	Rule        *string  `yaml:"rule,omitempty"` // "" for none
	Calls       []Call   `yaml:"calls,omitempty"`
	Lookups     []string `yaml:"lookups,omitempty"`
	// Steps are "name state", and Warnings texts that a warning contains.
	Steps    []string `yaml:"steps,omitempty"`
	Warnings []string `yaml:"warnings,omitempty"`
}

// Load reads a file of tests and the events that it names. Its errors name the place.
func Load(ctx context.Context, path string) (*File, error) {
	src, err := file.ReadInput(ctx, path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("reading the tests: %w", err)
	}
	f := &File{path: path}
	if err := yaml.Load(src, f, yaml.WithKnownFields()); err != nil {
		return nil, refused(path, err)
	}
	if len(f.Tests) == 0 {
		return nil, fmt.Errorf("%s has no tests", path)
	}
	f.number(src)
	for i := range f.Tests {
		t := &f.Tests[i]
		if err := t.check(f.Tests[:i]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, t.line, err)
		}
		if err := t.readEvents(ctx, f.beside); err != nil {
			return nil, fmt.Errorf("%s:%d: test %q: %w", path, t.line, t.Name, err)
		}
	}
	return f, nil
}

// maxFile is the size in bytes of the largest file of tests.
const maxFile = 16 << 20

// refused is the error of a file that is no file of tests, a line for each place.
func refused(path string, err error) error {
	faults := []*yaml.LoadError{}
	if many, ok := errors.AsType[*yaml.LoadErrors](err); ok {
		faults = many.Errors
	} else if one, ok := errors.AsType[*yaml.LoadError](err); ok {
		faults = append(faults, one)
	}
	if len(faults) == 0 {
		return fmt.Errorf("%s: %w", path, err)
	}
	list := make([]error, len(faults))
	for i, fault := range faults {
		list[i] = fmt.Errorf("%s:%d: %s", path, max(fault.Mark.Line, 1), plainly(fault.Message))
	}
	return errors.Join(list...)
}

// number sets the lines of the tests, for messages.
func (f *File) number(src []byte) {
	var doc struct {
		Tests []yaml.Node `yaml:"tests"`
	}
	if yaml.Load(src, &doc) == nil && len(doc.Tests) == len(f.Tests) {
		for i, node := range doc.Tests {
			f.Tests[i].line = node.Line
		}
	}
}

// beside is a path that the file names.
func (f *File) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.path), path)
}

// lookup is the environment of the file's configuration.
func (f *File) lookup(below config.LookupFunc) config.LookupFunc {
	return func(name string) (string, bool) {
		if path, ok := strings.CutPrefix(name, "file:"); ok {
			text, given := f.Files[path]
			return text, given
		}
		if text, ok := f.Env[name]; ok {
			return text, true
		}
		return below(name)
	}
}

// readEvents reads the values that a test plans.
func (t *Test) readEvents(ctx context.Context, beside func(string) string) error {
	if t.EventsFile != "" {
		events, err := os.Open(beside(t.EventsFile))
		if err != nil {
			return err
		}
		defer func() { _ = events.Close() }() // it was only read
		if err := ndjson.Each(ctx, events, func(l ndjson.Line) error {
			t.values = append(t.values, l.Text)
			return nil
		}); err != nil {
			return err
		}
	}
	for _, e := range t.Events {
		t.values = append(t.values, e.record())
	}
	if len(t.values) == 0 {
		return errors.New("it has no events")
	}
	return nil
}

// outcomes are what a plan may end in.
var outcomes = []string{string(sink.Planned), string(sink.Skipped), string(sink.Dead)}

// check looks for what is missing in a test, or said twice.
func (t *Test) check(before []Test) error {
	switch {
	case t.Name == "":
		return errors.New("a test has no name")
	case slices.ContainsFunc(before, func(other Test) bool { return other.Name == t.Name }):
		return fmt.Errorf("there are two tests %q", t.Name)
	}
	for _, e := range t.Expect {
		switch {
		case e.Outcome == string(sink.Delivered):
			return fmt.Errorf("test %q: a test sends nothing, so the outcome is planned, not delivered", t.Name)
		case e.Outcome != "" && !slices.Contains(outcomes, e.Outcome):
			return fmt.Errorf("test %q: outcome %q is none of %s", t.Name, e.Outcome, strings.Join(outcomes, ", "))
		case e.Event < 0:
			return fmt.Errorf("test %q: events count from 1, not %d", t.Name, e.Event)
		case e.empty():
			return fmt.Errorf("test %q: an entry of expect says nothing", t.Name)
		}
	}
	for _, a := range t.Answers {
		if !strings.HasPrefix(a.Get, "/") {
			return fmt.Errorf("test %q: get %q of answers is no path: it begins with / and stands below base_url", t.Name, output.Line(a.Get))
		}
	}
	return nil
}

func (e *Expectation) empty() bool {
	return e.Outcome == "" && e.Reason == "" && e.Code == "" && e.Rule == nil && e.Calls == nil && e.Lookups == nil && e.Steps == nil && e.Warnings == nil
}
