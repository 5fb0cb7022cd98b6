package main

import (
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metrics asks an instance for its metrics.
func metrics(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	code, text := get(t, url+"/metrics")
	if code != 200 {
		t.Fatalf("/metrics: %d %s", code, text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("/metrics cannot be parsed: %v\n%s", err, text)
	}
	return families
}

// metric is the sum of a gauge or counter of a destination, -1 if there is none.
func metric(t *testing.T, url, name, destination string) float64 {
	t.Helper()
	sum, found := 0.0, false
	for _, m := range metrics(t, url)[name].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "destination" && l.GetValue() == destination {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
				found = true
			}
		}
	}
	if !found {
		return -1
	}
	return sum
}
