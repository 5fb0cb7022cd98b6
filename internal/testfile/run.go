package testfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/dryrun"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/sink"
)

// Options say which tests to run, and how.
type Options struct {
	// Load reads the configuration at a path, "" for that of the command line, which counts before
	// a file's own.
	Load func(path string, env config.LookupFunc) (*config.Config, error)
	// Env is the environment.
	Env config.LookupFunc
	Log *slog.Logger
	// Only picks tests by their names; nil picks all.
	Only *regexp.Regexp
	// Show adds to each test what comes of its events.
	Show bool
}

// Report is what came of the tests of some files.
type Report struct {
	Files  []FileReport `json:"files"`
	Passed int          `json:"passed"`
	Failed int          `json:"failed"`
}

// FileReport is what came of one file.
type FileReport struct {
	File  string       `json:"file"`
	Tests []TestReport `json:"tests"`
}

// TestReport is what came of one test.
type TestReport struct {
	Name     string    `json:"name"`
	Line     int       `json:"line"`
	Passed   bool      `json:"passed"`
	Problems []Problem `json:"problems"`
	// Unasked are the answers of the test that no lookup asked for.
	Unasked []string `json:"unasked,omitempty"`

	shown []result
}

// Problem is how an event at a destination differs from what is expected.
type Problem struct {
	Event       int      `json:"event"`
	Name        string   `json:"name,omitempty"` // its type and name
	Destination string   `json:"destination"`
	Differences []string `json:"differences"`
}

// Run runs the tests of a file and adds what came of them to a report. Its error is of a file that
// cannot be run.
func (r *Report) Run(ctx context.Context, f *File, o Options) error {
	path := ""
	if f.Config != "" {
		path = f.beside(f.Config)
	}
	cfg, err := o.Load(path, f.lookup(o.Env))
	if err != nil {
		return err
	}
	report := FileReport{File: f.path, Tests: []TestReport{}}
	for i := range f.Tests {
		t := &f.Tests[i]
		if o.Only != nil && !o.Only.MatchString(t.Name) {
			continue
		}
		result, err := t.run(ctx, cfg, o)
		if err != nil {
			if usage, ok := errors.AsType[*config.UsageError](err); ok {
				err = usage.Err
			}
			return fmt.Errorf("%s:%d: test %q: %w", f.path, t.line, t.Name, err)
		}
		if result.Passed {
			r.Passed++
		} else {
			r.Failed++
		}
		report.Tests = append(report.Tests, result)
	}
	r.Files = append(r.Files, report)
	return nil
}

// run runs one test.
func (t *Test) run(ctx context.Context, cfg *config.Config, o Options) (TestReport, error) {
	chosen, err := wiring.Choose(cfg, t.Destinations)
	if err != nil {
		return TestReport{}, err
	}
	if len(t.Expect) == 0 && !o.Show {
		return TestReport{}, errors.New("it has no expect: run it with --show to see what comes")
	}
	given, err := t.given(cfg, chosen)
	if err != nil {
		return TestReport{}, err
	}
	var results []result
	n := len(chosen)
	err = dryrun.Run(ctx, dryrun.Options{
		Config: cfg, Log: o.Log, Destinations: t.Destinations, Offline: true, Values: t.values, Given: given,
		Take: func(outcome sink.Outcome) error {
			at := len(results)
			results = append(results, resultOf(&outcome, at/n+1, chosen[at%n].BaseURL()))
			return nil
		},
	})
	if err != nil {
		return TestReport{}, err
	}
	report := TestReport{Name: t.Name, Line: t.line, Problems: []Problem{}, Unasked: t.unasked()}
	for i := range t.Expect {
		want := &t.Expect[i]
		got, err := t.find(results, want)
		if err != nil {
			return TestReport{}, err
		}
		if lines := got.compare(want); len(lines) > 0 {
			report.Problems = append(report.Problems, Problem{Event: got.Event, Name: got.name, Destination: got.Destination, Differences: lines})
		}
	}
	report.Passed = len(report.Problems) == 0
	if o.Show {
		report.shown = results
	}
	return report, nil
}

// find is the result that an expectation is about.
func (t *Test) find(results []result, want *Expectation) (*result, error) {
	events := len(t.values)
	switch {
	case want.Event == 0 && events > 1:
		return nil, fmt.Errorf("expect: there are %d events: say which one with event", events)
	case want.Event > events:
		return nil, fmt.Errorf("expect: there is no event %d, there are %d", want.Event, events)
	}
	var found []*result
	var names []string
	for i := range results {
		r := &results[i]
		if r.Event != max(want.Event, 1) {
			continue
		}
		names = append(names, r.Destination)
		if want.Destination == "" || want.Destination == r.Destination {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("expect: no destination of the test is called %q; there are %s", want.Destination, strings.Join(names, ", "))
	case len(found) > 1:
		return nil, fmt.Errorf("expect: say which destination is meant: %s", strings.Join(names, ", "))
	}
	return found[0], nil
}

// given is what the test says of help desks and keys. What names no destination is of all.
func (t *Test) given(cfg *config.Config, chosen []config.Destination) (dryrun.Given, error) {
	var g dryrun.Given
	for _, name := range t.named() {
		if _, known := cfg.Destination(name); name != "" && !known {
			return g, cfg.NoDestination(name)
		}
	}
	answers := map[string]*Answer{}
	for _, d := range chosen {
		for i := range t.Answers {
			a := &t.Answers[i]
			if a.Destination == "" || a.Destination == d.Name {
				answers[pathOf(strings.TrimSuffix(d.BaseURL(), "/")+a.Get, "")] = a
			}
		}
		for _, k := range t.Keys {
			if k.Destination == "" || k.Destination == d.Name {
				g.Keys = append(g.Keys, dryrun.GivenKey{Destination: d.Name, Lane: k.Lane, Key: k.Key, Ticket: k.Ticket, Closed: k.Closed})
			}
		}
	}
	g.Answers = func(url string) (int, []byte, bool) {
		a, ok := answers[pathOf(url, "")]
		if !ok {
			return 0, nil, false
		}
		a.asked = true
		return cmp.Or(a.Status, http.StatusOK), a.Body, true
	}
	return g, nil
}

// unasked are the answers that no lookup asked for.
func (t *Test) unasked() (list []string) {
	for _, a := range t.Answers {
		if !a.asked {
			list = append(list, a.Get)
		}
	}
	return list
}

// named are the destinations that the test names besides those of expect.
func (t *Test) named() []string {
	var names []string
	for _, a := range t.Answers {
		names = append(names, a.Destination)
	}
	for _, k := range t.Keys {
		names = append(names, k.Destination)
	}
	return names
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
