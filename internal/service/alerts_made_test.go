//go:build synctests

package service

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// What no night brings about: brokers that refuse, records that expire, a fault of this program.
var madeUp = map[string]struct {
	metric string
	labels []string
	fine   float64
	bad    float64
}{
	"DeskstreamNotReading":        {"deskstream_partitions_assigned", nil, 12, 0},
	"DeskstreamWritesNotTaken":    {"deskstream_oldest_write_seconds", []string{"topic", "events.responses"}, 30, 61},
	"DeskstreamKafkaTrouble":      {"deskstream_trouble", []string{"part", "fetch"}, 0, 1},
	"DeskstreamOpenTransaction":   {"deskstream_open_transaction_seconds", nil, 800, 901},
	"DeskstreamRecordsExpired":    {"deskstream_records_expired_total", nil, 0, 1},
	"DeskstreamConservationGap":   {"deskstream_conservation_gap", nil, 0, -1},
	"DeskstreamHeldByOperator":    {"deskstream_hold", []string{"reason", "operator"}, 0, 1},
	"DeskstreamCredentialNotRead": {"deskstream_credential_reload_failures_total", nil, 0, 0},
}

func TestAlerts_fireOnTheirMetric(t *testing.T) {
	rules := readRules(t)
	begin := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	const turn, length = 30 * time.Minute, 2 * time.Hour
	for alert, made := range madeUp {
		s := newSeries()
		for at := time.Duration(0); at <= length; at += scrapeEvery {
			v := made.fine
			if at >= turn {
				v = made.bad
			}
			if alert == "DeskstreamCredentialNotRead" && at >= turn {
				v = float64((at - turn) / scrapeEvery) // it goes on
			}
			s.add(begin.Add(at), 1, labels.FromStrings(model.MetricNameLabel, "deskstream_build_info"))
			s.add(begin.Add(at), v, labels.FromStrings(append([]string{model.MetricNameLabel, made.metric, "destination", "crm", "job", "deskstream"}, made.labels...)...))
		}
		fired := s.evaluate(t, rules, begin, begin.Add(length))
		if len(fired) != 1 || fired[0].alert != alert || fired[0].from < turn {
			t.Errorf("%s of %v fired %v, want %s alone, after %v", made.metric, made.bad, fired, alert, turn)
		}
	}
}

// Each rule is seen to fire.
func TestAlerts_eachIsTried(t *testing.T) {
	var tried []string
	for _, in := range incidents {
		for _, f := range in.fires {
			name, _, _ := strings.Cut(f, "{")
			tried = append(tried, name)
		}
	}
	tried = slices.AppendSeq(tried, maps.Keys(madeUp))
	for _, r := range readRules(t) {
		if r.Alert != "" && !slices.Contains(tried, r.Alert) {
			t.Errorf("no test fires %s", r.Alert)
		}
	}
}
