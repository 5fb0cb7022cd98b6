package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const (
	datasourceFile = repository + "/deploy/grafana/provisioning/datasources/prometheus.yaml"
	providerFile   = repository + "/deploy/grafana/provisioning/dashboards/deskstream.yaml"
	prometheusFile = repository + "/deploy/prometheus/prometheus.yml"
)

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
	t.Parallel()
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
	export := services["export"].Command
	port := strings.TrimPrefix(cfg.HTTP.Listen, "0.0.0.0")
	want := []string{
		"deskstream" + port, strings.TrimPrefix(services["receive"].NetworkMode, "service:") + port,
		"export" + strings.TrimPrefix(export[slices.Index(export, "--metrics")+1], "0.0.0.0"),
	}
	var got []string
	for _, job := range prometheus.ScrapeConfigs {
		got = append(got, job.StaticConfigs[0].Targets...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("Prometheus asks %v, and the program serves at %v", got, want)
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
