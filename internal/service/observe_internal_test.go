package service

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/deskstream/deskstream/sink"
)

func TestObserveCalls(t *testing.T) {
	registry := prometheus.NewRegistry()
	observe := observeCalls(registry)
	crm, other := observe("crm"), observe("other")
	for range 2 {
		crm(sink.Attempt{Op: "GET /contacts", Status: 200, Took: time.Second})
		crm(sink.Attempt{Op: "GET /contacts", Status: 0, Took: time.Second})
		crm(sink.Attempt{Op: "POST /tickets", Status: 200, Took: time.Second})
	}
	other(sink.Attempt{Op: "GET /contacts", Status: 200, Took: time.Minute})
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
			case "deskstream_call_duration_seconds":
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

func TestObserveCalls_exemplarsAreTheTraces(t *testing.T) {
	registry := prometheus.NewRegistry()
	observe := observeCalls(registry)("crm")
	observe(sink.Attempt{Op: "GET /contacts", Status: 200, Took: time.Second})
	observe(sink.Attempt{Op: "GET /contacts", Status: 200, Took: time.Minute, TraceID: "0af7651916cd43dd8448eb211c80319c"})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, b := range m.GetHistogram().GetBucket() {
				if e := b.GetExemplar(); e != nil {
					ids = append(ids, fmt.Sprint(e.GetLabel()[0].GetName(), "=", e.GetLabel()[0].GetValue(), " ", e.GetValue()))
				}
			}
		}
	}
	if got := strings.Join(ids, ", "); got != "trace_id=0af7651916cd43dd8448eb211c80319c 60" {
		t.Errorf("exemplars = %q, want that of the call with a trace", got)
	}
}
