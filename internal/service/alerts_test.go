//go:build synctests || kafka

package service

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

const (
	rulesFile  = "../../deploy/prometheus/alerts.yaml"
	alertPages = "../../docs/alerts"
	// evaluateEvery is the interval of the rules' groups.
	evaluateEvery = 30 * time.Second
)

func labelNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// readRules reads the rules as Prometheus does.
func readRules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	groups, problems := rulefmt.ParseFile(rulesFile, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range problems {
		t.Fatal(err)
	}
	var rules []rulefmt.Rule
	for _, g := range groups.Groups {
		if time.Duration(g.Interval) != evaluateEvery {
			t.Errorf("the group %s is evaluated every %v, and its tests do every %v", g.Name, g.Interval, evaluateEvery)
		}
		rules = append(rules, g.Rules...)
	}
	return rules
}

// Whoever is paged finds what to do: each alert has a page, and each page an alert.
func TestAlerts_haveTheirPages(t *testing.T) {
	named := map[string]bool{}
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}
		named[r.Alert+".md"] = true
		if want := "https://github.com/deskstream/deskstream/blob/main/docs/alerts/" + r.Alert + ".md"; r.Annotations["runbook_url"] != want {
			t.Errorf("%s has the page %s, want %s", r.Alert, r.Annotations["runbook_url"], want)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
			t.Errorf("%s lacks a summary, a description or a severity: %v %v", r.Alert, r.Annotations, r.Labels)
		}
		page := docsFile(t, alertPages+"/"+r.Alert+".md")
		if got := regexp.MustCompile("(?m)^## (.*)$").FindAllString(page, -1); strings.Join(got, " ") != "## Meaning ## Impact ## Diagnosis ## Mitigation" {
			t.Errorf("the page of %s has the headings %v", r.Alert, got)
		}
		if !strings.Contains(docsFile(t, "../../docs/alerts.md"), "](alerts/"+r.Alert+".md)") {
			t.Errorf("docs/alerts.md does not have %s", r.Alert)
		}
	}
	pages, err := os.ReadDir(alertPages)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if !named[page.Name()] {
			t.Errorf("no alert has the page %s", page.Name())
		}
	}
}

// promEngine evaluates queries as Prometheus does.
func promEngine() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		Logger: slog.New(slog.DiscardHandler), MaxSamples: 50_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute,
		EnableAtModifier: true, EnableNegativeOffset: true,
	})
}

// query is the result of a query at one moment.
func (s *series) query(t *testing.T, engine *promql.Engine, expr string, at time.Time) promql.Vector {
	t.Helper()
	q, err := engine.NewInstantQuery(t.Context(), s, nil, expr, at)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	defer q.Close()
	result := q.Exec(t.Context())
	vector, err := result.Vector()
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return slices.Clone(vector)
}

// firing is when an alert began to fire and when it ended, both since the series began. End is 0
// for one that fires at the end.
type firing struct {
	alert, labels string
	from, to      time.Duration
}

func (f firing) String() string {
	text := fmt.Sprintf("%v %s{%s}", f.from, f.alert, f.labels)
	if f.to > 0 {
		text += fmt.Sprintf(" until %v", f.to)
	}
	return text
}

// evaluate runs the rules over series as Prometheus does, and returns the alerts that fired.
func (s *series) evaluate(t *testing.T, rules []rulefmt.Rule, begin, end time.Time) []firing {
	t.Helper()
	engine := promEngine()
	type state struct {
		since time.Time
		f     *firing
	}
	active := map[string]*state{}
	var fired []*firing
	for at := begin; !at.After(end); at = at.Add(evaluateEvery) {
		now := map[string]bool{}
		for _, r := range rules {
			for _, sample := range s.query(t, engine, r.Expr, at) {
				if r.Record != "" {
					s.add(at, sample.F, labels.NewBuilder(sample.Metric).Set(model.MetricNameLabel, r.Record).Labels())
					continue
				}
				shown := shownLabels(sample.Metric)
				key := r.Alert + shown
				now[key] = true
				if active[key] == nil {
					active[key] = &state{since: at}
				}
				if a := active[key]; a.f == nil && at.Sub(a.since) >= time.Duration(r.For) {
					a.f = &firing{alert: r.Alert, labels: shown, from: at.Sub(begin)}
					fired = append(fired, a.f)
				}
			}
		}
		for key, a := range active {
			if !now[key] {
				if a.f != nil {
					a.f.to = at.Sub(begin)
				}
				delete(active, key)
			}
		}
	}
	all := make([]firing, len(fired))
	for i, f := range fired {
		all[i] = *f
	}
	return all
}

// shownLabels are those of an alert but for the target's.
func shownLabels(l labels.Labels) string {
	all := l.Map()
	for _, name := range []string{"job", "instance", "namespace", model.MetricNameLabel} {
		delete(all, name)
	}
	pairs := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		pairs = append(pairs, name+"="+all[name])
	}
	return strings.Join(pairs, ",")
}
