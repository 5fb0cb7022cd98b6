package service

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
)

const metricsPage = "../../docs/metrics.md"

// gather is what a running service shows, each metric at least once.
func gather(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	s, _ := docsService(t)
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// Names, units, types and help texts are as Prometheus recommends them.
func TestMetrics_followTheConventions(t *testing.T) {
	problems, err := promlint.NewWithMetricFamilies(gather(t)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// The page has each metric with its type and its labels, and no other.
func TestDocs_theMetricsAreThoseOfTheService(t *testing.T) {
	var want []string
	kafka := 0
	for _, f := range gather(t) {
		switch name := f.GetName(); {
		case strings.HasPrefix(name, "deskstream_kafka_"):
			kafka++
		case strings.HasPrefix(name, "deskstream_"):
			want = append(want, fmt.Sprintf("| `%s` | %s | %s |", name, strings.ToLower(f.GetType().String()), labelsOf(f)))
		}
	}
	if kafka == 0 {
		t.Error("there are no metrics of the Kafka client")
	}
	row := regexp.MustCompile("(?m)^(\\| `deskstream_[a-z_]+` \\| [a-z]+ \\| [^|]* \\|) [A-Za-z0-9`].* \\|$")
	var got []string
	for _, m := range row.FindAllStringSubmatch(docsFile(t, metricsPage), -1) {
		got = append(got, m[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs from the service (-service +page):\n%s", metricsPage, diff)
	}
}

// labelsOf are the labels of a metric as the page has them, but for destination.
func labelsOf(f *dto.MetricFamily) string {
	names := make(map[string]bool)
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			names["`"+l.GetName()+"`"] = true
		}
	}
	if names["`destination`"] {
		delete(names, "`destination`")
	} else {
		names["no `destination`"] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}
