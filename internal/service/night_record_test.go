//go:build synctests || kafka

package service

import (
	"flag"
	"fmt"
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
	"github.com/prometheus/prometheus/model/value"
)

var updateNights = flag.Bool("update-nights", false, "record the nights of the alerts' tests for promtool")

const (
	nightsDir   = "../../deploy/prometheus/nights"
	recordEvery = time.Minute
)

// record writes the series that the rules ask for, and what fires in the healthy hour and at the end of the
// incident, as a test of promtool's.
func (n *night) record(t *testing.T, rules []rulefmt.Rule, fired []firing, in incident, end time.Time) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: recorded by go test -tags synctests ./internal/service -run TestAlerts_fireInTheNight -update-nights\n", in.name)
	fmt.Fprintf(&b, "rule_files: [../alerts.yaml]\nevaluation_interval: %s\ntests:\n  - interval: %s\n    input_series:\n", "30s", "1m")
	asked := make(map[string]bool)
	for _, r := range rules {
		for _, name := range regexp.MustCompile(`deskstream_[a-z_]+`).FindAllString(r.Expr, -1) {
			asked[name] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(n.series.all)) {
		if one := n.series.all[key]; asked[one.labels.Get(model.MetricNameLabel)] {
			fmt.Fprintf(&b, "      - series: '%s{%s}'\n        values: '%s'\n", one.labels.Get(model.MetricNameLabel), pairsOf(one.labels), one.values(n.began, end))
		}
	}
	b.WriteString("    promql_expr_test:\n")
	for _, at := range []time.Duration{incidentAt - time.Minute, incidentAt + in.lasts - time.Minute} {
		fmt.Fprintf(&b, "      - eval_time: %s\n        expr: ALERTS{alertstate=\"firing\"}\n", at)
		if samples := firingAt(rules, fired, at); len(samples) > 0 {
			b.WriteString("        exp_samples:\n" + strings.Join(samples, ""))
		}
	}
	name := strings.Trim(regexp.MustCompile(`[^a-z]+`).ReplaceAllString(in.name, "-"), "-")
	if err := os.WriteFile(nightsDir+"/"+name+".yaml", []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// firingAt are the samples of ALERTS that are there at a moment.
func firingAt(rules []rulefmt.Rule, fired []firing, at time.Duration) (samples []string) {
	for _, f := range fired {
		if f.from > at || f.to > 0 && f.to <= at {
			continue
		}
		severity := ""
		for _, r := range rules {
			if r.Alert == f.alert {
				severity = r.Labels["severity"]
			}
		}
		var pairs strings.Builder
		_, _ = fmt.Fprintf(&pairs, "alertname=%q,alertstate=%q,severity=%q", f.alert, "firing", severity)
		if f.labels != "" {
			_, _ = fmt.Fprintf(&pairs, ",job=%q,namespace=%q", "deskstream", "desk")
			for pair := range strings.SplitSeq(f.labels, ",") {
				name, value, _ := strings.Cut(pair, "=")
				_, _ = fmt.Fprintf(&pairs, ",%s=%q", name, value)
			}
		}
		samples = append(samples, fmt.Sprintf("          - {labels: 'ALERTS{%s}', value: 1}\n", pairs.String()))
	}
	return samples
}

func pairsOf(l labels.Labels) string {
	var pairs []string
	l.Range(func(label labels.Label) {
		if label.Name != model.MetricNameLabel {
			pairs = append(pairs, fmt.Sprintf("%s=%q", label.Name, label.Value))
		}
	})
	return strings.Join(pairs, ",")
}

// values are those of a series, one a minute, in promtool's notation: _ for none, and 3x5 for a 3 that comes six times.
func (s *oneSeries) values(begin, end time.Time) string {
	var all []string
	last, times := "", 0
	flush := func() {
		switch {
		case last == "":
		case times == 1:
			all = append(all, last)
		case last == "_":
			all = append(all, fmt.Sprintf("_x%d", times))
		default:
			all = append(all, fmt.Sprintf("%sx%d", last, times-1))
		}
	}
	i := 0
	for at := begin; !at.After(end); at = at.Add(recordEvery) {
		for i < len(s.points) && s.points[i].T() <= at.UnixMilli() {
			i++
		}
		text := "_"
		if i > 0 {
			text = strconv.FormatFloat(s.points[i-1].F(), 'g', 10, 64)
			if value.IsStaleNaN(s.points[i-1].F()) {
				text = "stale"
			}
		}
		if text == last {
			times++
			continue
		}
		flush()
		last, times = text, 1
	}
	flush()
	return strings.Join(all, " ")
}
