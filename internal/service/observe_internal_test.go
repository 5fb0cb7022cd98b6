package service

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func TestObserveCalls(t *testing.T) {
	registry := newRegistry()
	observe := observeCalls(registry)
	crm, other := observe("crm"), observe("other")
	for range 2 {
		crm("GET /contacts", 200, time.Second)
		crm("GET /contacts", 0, time.Second)
		crm("POST /tickets", 200, time.Second)
	}
	other("GET /contacts", 200, time.Minute)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels strings.Builder
			for _, label := range m.GetLabel() {
				labels.WriteString(" " + label.GetValue())
			}
			switch family.GetName() {
			case "deskstream_calls_total":
				got["calls:"+labels.String()] = m.GetCounter().GetValue()
			case "deskstream_call_seconds":
				got["seconds:"+labels.String()] = m.GetHistogram().GetSampleSum()
			}
		}
	}
	want := map[string]float64{
		"calls: crm GET /contacts 200": 2, "calls: crm GET /contacts none": 2, "calls: crm POST /tickets 200": 2, "calls: other GET /contacts 200": 1,
		"seconds: crm GET /contacts": 4, "seconds: crm POST /tickets": 2, "seconds: other GET /contacts": 60,
	}
	if !maps.Equal(got, want) {
		t.Errorf("the metrics are %v, want %v", got, want)
	}
}
