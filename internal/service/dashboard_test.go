package service

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// dashboard is what the tests look at of a Grafana dashboard.
type dashboard struct {
	Panels []struct {
		Title   string `json:"title"`
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
	Templating struct {
		List []struct {
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(docsFile(t, "../../deploy/grafana/dashboards/deskstream.json")), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) < 10 {
		t.Fatalf("only %d panels", len(d.Panels))
	}
	return d
}

var (
	metricNamed = regexp.MustCompile(`\b(?:deskstream|go|process)_[a-z_]+`)
	labelsNamed = regexp.MustCompile(`(?:by|on) \(([a-z_, ]+)\)|\{([^}]*)\}`)
	labelName   = regexp.MustCompile(`\b([a-z_]+)\b(?:=|$|,)`)
	quoted      = regexp.MustCompile(`"[^"]*"`)
)

// Every name that a query has is a metric of a running service, and every label one
// that its metrics or Prometheus give.
func TestStack_theDashboardAsksForMetricsThatExist(t *testing.T) {
	s, _ := docsService(t)
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	there, labels := map[string]bool{}, map[string]bool{"le": true, "job": true, "instance": true}
	for _, f := range families {
		there[f.GetName()] = true
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			there[f.GetName()+suffix] = f.GetMetric()[0].GetHistogram() != nil
		}
		for _, label := range f.GetMetric()[0].GetLabel() {
			labels[label.GetName()] = true
		}
	}
	d, asked := readDashboard(t), map[string]bool{}
	queries := map[string]string{"the variable": d.Templating.List[0].Definition}
	for _, panel := range d.Panels {
		if len(panel.Targets) == 0 {
			t.Errorf("the panel %q asks for nothing", panel.Title)
		}
		for i, target := range panel.Targets {
			queries[panel.Title+string(rune('A'+i))] = target.Expr
		}
	}
	for title, query := range queries {
		names := metricNamed.FindAllString(query, -1)
		if len(names) == 0 {
			t.Errorf("%s: %s names no metric", title, query)
		}
		for _, name := range names {
			asked[name] = true
			if !there[name] {
				t.Errorf("%s asks for %s, which the service does not have", title, name)
			}
		}
		for _, m := range labelsNamed.FindAllStringSubmatch(quoted.ReplaceAllString(query, ""), -1) {
			for _, label := range labelName.FindAllStringSubmatch(m[1]+","+m[2], -1) {
				if !labels[label[1]] {
					t.Errorf("%s: no metric has the label %s", title, label[1])
				}
			}
		}
	}
	// What an operator is told to alert on is on the first dashboard.
	for _, m := range regexp.MustCompile("`(?:increase\\()?(deskstream_[a-z_]+)").FindAllStringSubmatch(alertTable(t), -1) {
		if !asked[m[1]] {
			t.Errorf("the dashboard does not show %s, which docs/operations.md alerts on", m[1])
		}
	}
}

// alertTable is the table of alerts of docs/operations.md.
func alertTable(t *testing.T) string {
	t.Helper()
	_, after, found := strings.Cut(docsFile(t, "../../docs/operations.md"), "\n## Alerts\n")
	table, _, _ := strings.Cut(after, "\n## ")
	if !found || !strings.Contains(table, "deskstream_hold") {
		t.Fatal("docs/operations.md has no table of alerts")
	}
	return table
}
