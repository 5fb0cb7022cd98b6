package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const (
	dashboardFile  = repository + "/deploy/grafana/dashboards/deskstream.json"
	datasourceFile = repository + "/deploy/grafana/provisioning/datasources/prometheus.yaml"
	providerFile   = repository + "/deploy/grafana/provisioning/dashboards/deskstream.yaml"
	prometheusFile = repository + "/deploy/prometheus/prometheus.yml"
)

// dashboard is what the tests look at of a Grafana dashboard.
type dashboard struct {
	Panels []struct {
		Title      string `json:"title"`
		Datasource struct {
			UID string `json:"uid"`
		} `json:"datasource"`
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
	if err := json.Unmarshal([]byte(readFile(t, dashboardFile)), &d); err != nil {
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
	_, after, found := strings.Cut(readFile(t, repository+"/docs/operations.md"), "\n## Alerts\n")
	table, _, _ := strings.Cut(after, "\n## ")
	if !found || !strings.Contains(table, "deskstream_hold") {
		t.Fatal("docs/operations.md has no table of alerts")
	}
	return table
}

// readYAML decodes a file of the stack.
func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// The parts find each other: Prometheus its target, Grafana Prometheus and the files.
func TestStack_monitoringIsWiredTogether(t *testing.T) {
	services := stack(t, nil).Services
	var prometheus struct {
		ScrapeConfigs []struct {
			StaticConfigs []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, prometheusFile, &prometheus)
	cfg, err := stackSettings(t, services["deskstream"])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"deskstream" + strings.TrimPrefix(cfg.HTTP.Listen, "0.0.0.0")}
	if got := prometheus.ScrapeConfigs[0].StaticConfigs[0].Targets; !slices.Equal(got, want) {
		t.Errorf("Prometheus asks %v, and deskstream serves at %v", got, want)
	}
	var sources struct {
		Datasources []struct {
			UID string `yaml:"uid"`
			URL string `yaml:"url"`
		} `yaml:"datasources"`
	}
	readYAML(t, datasourceFile, &sources)
	source := sources.Datasources[0]
	if host, _, _ := strings.Cut(strings.TrimPrefix(source.URL, "http://"), ":"); services[host].Name == "" {
		t.Errorf("Grafana asks %s, which is no service", source.URL)
	}
	for _, panel := range readDashboard(t).Panels {
		if panel.Datasource.UID != source.UID {
			t.Errorf("the panel %q asks the data source %q", panel.Title, panel.Datasource.UID)
		}
	}
	var providers struct {
		Providers []struct {
			Options struct {
				Path string `yaml:"path"`
			} `yaml:"options"`
		} `yaml:"providers"`
	}
	readYAML(t, providerFile, &providers)
	var mounted []string
	for _, volume := range services["grafana"].Volumes {
		mounted = append(mounted, volume.Target)
	}
	if path := providers.Providers[0].Options.Path; !slices.Contains(mounted, path) || !slices.Contains(mounted, "/etc/grafana/provisioning") {
		t.Errorf("Grafana reads dashboards from %s, and has %v", path, mounted)
	}
}
