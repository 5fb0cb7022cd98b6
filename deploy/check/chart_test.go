package check

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"sigs.k8s.io/yaml"
)

const (
	chartDir  = "../helm"
	manifests = "../kubernetes"
)

var update = flag.Bool("update", false, "write the manifests of deploy/kubernetes from the chart")

// shapes are the files of values that the chart is tried with.
func shapes(t *testing.T) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chartDir, "ci", "*-values.yaml"))
	if err != nil || len(files) < 6 {
		t.Fatalf("found %d files of values, %v; want at least six", len(files), err)
	}
	all := map[string]map[string]any{}
	for _, file := range files {
		values, err := chartutil.ReadValuesFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), "-values.yaml")] = values
	}
	return all
}

// render returns the objects of the chart as helm template prints them, without tests and notes.
func render(values map[string]any) (string, error) {
	chart, err := loader.Load(chartDir)
	if err != nil {
		return "", err
	}
	options := chartutil.ReleaseOptions{Name: "deskstream", Namespace: "deskstream", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, options, chartutil.DefaultCapabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".txt") || strings.Contains(name, "/tests/") || strings.TrimSpace(files[name]) == "" {
			continue
		}
		b.WriteString("---\n" + strings.TrimSpace(files[name]) + "\n")
	}
	return b.String(), nil
}

func TestChart_lintsWithoutAWarning(t *testing.T) {
	for name, values := range shapes(t) {
		t.Run(name, func(t *testing.T) {
			for _, m := range lint.AllWithKubeVersion(chartDir, values, "deskstream", &chartutil.DefaultCapabilities.KubeVersion).Messages {
				if m.Severity >= support.WarningSev {
					t.Error(m)
				}
			}
		})
	}
}

// Each object of each shape has only fields that its type has, and only types that the test knows.
func TestChart_rendersObjectsThatTheirTypesRead(t *testing.T) {
	kinds := map[string]bool{}
	for name, values := range shapes(t) {
		t.Run(name, func(t *testing.T) {
			text, err := render(values)
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range decode(t, text) {
				kinds[object.GetObjectKind().GroupVersionKind().Kind] = true
			}
		})
	}
	for kind := range known {
		if !kinds[kind.Kind] {
			t.Errorf("no shape has a %s", kind.Kind)
		}
	}
}

// The manifests are for people without Helm: what the chart renders with its default shape.
func TestManifests_areWhatTheChartRenders(t *testing.T) {
	for file, shape := range map[string]string{"run.yaml": "default", "all.yaml": "all"} {
		got, err := render(shapes(t)[shape])
		if err != nil {
			t.Fatal(err)
		}
		got = "# Rendered from deploy/helm with ci/" + shape + "-values.yaml by make manifests.\n" + got
		path := filepath.Join(manifests, file)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != got {
			t.Errorf("%s is not what the chart renders: make manifests", path)
		}
		decode(t, string(want))
	}
}

// Values that cannot work are refused with the name of the value and what to write.
func TestChart_refusesByName(t *testing.T) {
	config := func(old, by string) func(map[string]any) {
		return func(v map[string]any) { v["config"] = strings.Replace(v["config"].(string), old, by, 1) }
	}
	set := func(name string, value any) func(map[string]any) { return func(v map[string]any) { v[name] = value } }
	for name, test := range map[string]struct {
		change func(map[string]any)
		want   string
	}{
		"no configuration":        {set("config", ""), `config`},
		"no YAML":                 {set("config", "a: b: c"), `config is no YAML`},
		"loopback":                {config(`":9400"`, `"127.0.0.1:9400"`), `http.listen is "127.0.0.1:9400"`},
		"no address":              {config(`http: {listen: ":9400"}`, ``), `set http.listen to ":9400"`},
		"a key that is not there": {set("replicas", 3), `replicas`},
		"a short time to stop":    {set("run", map[string]any{"terminationGracePeriodSeconds": 30}), `source.drain_timeout 35s and 5 s for what follows need 40`},
		"a drain time in minutes": {config(`topics: [events]`, `topics: [events], drain_timeout: 1m`), `run.terminationGracePeriodSeconds: set it to source.drain_timeout (1m)`},
		"no port for webhooks":    {set("receive", map[string]any{"enabled": true}), `set inbound.listen to ":9410"`},
		"no groups":               {set("autoscaling", map[string]any{"enabled": true}), `autoscaling.groups`},
		"a digest that is none":   {set("image", map[string]any{"digest": "latest"}), `digest`},
		"an ingress without host": {func(v map[string]any) {
			config(`http:`, `inbound: {listen: ":9410"}`+"\nhttp:")(v)
			v["receive"] = map[string]any{"enabled": true, "ingress": map[string]any{"enabled": true}}
		}, `receive.ingress.host`},
		"brokers of a variable": {func(v map[string]any) {
			config(`kafka-0.kafka:9092, kafka-1.kafka:9092, kafka-2.kafka:9092`, `"${BROKER}"`)(v)
			v["autoscaling"] = map[string]any{"enabled": true, "groups": []any{map[string]any{"group": "g", "topic": "t"}}}
		}, `autoscaling.bootstrapServers`},
		"fewer at most than least": {set("autoscaling", map[string]any{"enabled": true, "maxReplicas": 1, "groups": []any{map[string]any{"group": "g", "topic": "t"}}}), `autoscaling.maxReplicas`},
	} {
		t.Run(name, func(t *testing.T) {
			values := shapes(t)["default"]
			test.change(values)
			if _, err := render(values); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

// A chart can read files of its own only, so it has a copy of the alerts.
func TestChart_hasTheAlerts(t *testing.T) {
	want, err := os.ReadFile("../prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(chartDir, "alerts.yaml")
	if *update {
		if err := os.WriteFile(copied, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(copied); err != nil || string(got) != string(want) {
		t.Errorf("%s is not deploy/prometheus/alerts.yaml (%v): make manifests", copied, err)
	}
	var file struct {
		Groups []monitoring.RuleGroup `json:"groups"`
	}
	if err := yaml.UnmarshalStrict(want, &file); err != nil {
		t.Fatal(err)
	}
	values := shapes(t)["default"]
	if text, err := render(values); err != nil || strings.Contains(text, "PrometheusRule") {
		t.Errorf("the alerts are there without being asked for, %v", err)
	}
	values["prometheusRule"] = map[string]any{"enabled": true, "labels": map[string]any{"release": "prometheus"}}
	text, err := render(values)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range decode(t, text) {
		rule, ok := object.(*monitoring.PrometheusRule)
		if !ok {
			continue
		}
		if diff := cmp.Diff(file.Groups, rule.Spec.Groups); diff != "" || rule.Labels["release"] != "prometheus" {
			t.Errorf("labels %v, groups (-file +rendered):\n%s", rule.Labels, diff)
		}
		return
	}
	t.Error("no PrometheusRule is rendered")
}

// What protects the Pods is in every shape.
func TestChart_podsAreConfined(t *testing.T) {
	for name, values := range shapes(t) {
		text, err := render(values)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range decode(t, text) {
			d, ok := deployment(object)
			if !ok {
				continue
			}
			pod := d.Spec.Template.Spec
			c := pod.Containers[0]
			if !*pod.SecurityContext.RunAsNonRoot || !*c.SecurityContext.ReadOnlyRootFilesystem || *c.SecurityContext.AllowPrivilegeEscalation ||
				len(c.SecurityContext.Capabilities.Drop) != 1 || *pod.AutomountServiceAccountToken || pod.SecurityContext.SeccompProfile == nil {
				t.Errorf("%s: %s is not confined: %+v", name, d.Name, c.SecurityContext)
			}
			if c.ReadinessProbe == nil || c.LivenessProbe == nil || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: %s has no probes or no limit of memory", name, d.Name)
			}
			if c.Args[0] == "run" && *pod.TerminationGracePeriodSeconds < 40 {
				t.Errorf("%s: %s has %d s to stop", name, d.Name, *pod.TerminationGracePeriodSeconds)
			}
		}
	}
}

// Each value stands on the page.
func TestChart_valuesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	values, err := chartutil.ReadValuesFile(filepath.Join(chartDir, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range values {
		if !regexp.MustCompile("`" + name + "[`.=]").Match(page) {
			t.Errorf("docs/kubernetes.md says nothing of %s", name)
		}
	}
}
