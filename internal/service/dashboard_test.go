//go:build synctests

package service

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// dashboard is what the tests look at of a Grafana dashboard.
type dashboard struct {
	Panels []struct {
		ID         int    `json:"id"`
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
			Name       string `json:"name"`
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
	if len(d.Panels) < 10 || len(d.Templating.List) != 5 {
		t.Fatalf("%d panels, %d variables", len(d.Panels), len(d.Templating.List))
	}
	return d
}

// sometimesEmpty are panels that show something only where there is something.
var sometimesEmpty = map[string]bool{"Dead by code and fault": true}

// Every panel shows something of a running service, whatever the data source is called, and what the
// alerts ask for is on it.
func TestStack_theDashboardShowsARun(t *testing.T) {
	var n *night
	var end time.Time
	synctest.Test(t, func(t *testing.T) {
		n = newNight(t)
		n.until(20 * time.Minute)
		end = time.Now()
	})
	d, engine, ids := readDashboard(t), promEngine(), map[int]bool{}
	variables := strings.NewReplacer(
		"$__rate_interval", "1m", "$destination", "support-inbox|crm", "$namespace", ".*", "$job", "deskstream", "$instance", ".*",
	)
	for _, panel := range d.Panels {
		if ids[panel.ID] || panel.Datasource.UID != "${datasource}" || len(panel.Targets) == 0 {
			t.Errorf("the panel %q has the number %d, the data source %s and %d queries", panel.Title, panel.ID, panel.Datasource.UID, len(panel.Targets))
		}
		ids[panel.ID] = true
		for _, target := range panel.Targets {
			for _, name := range []string{"$namespace", "$job", "$instance"} {
				if strings.Count(target.Expr, name) != strings.Count(target.Expr, "{") {
					t.Errorf("%s: a selector of %s has no %s", panel.Title, target.Expr, name)
				}
			}
			if got := n.series.query(t, engine, variables.Replace(target.Expr), end); len(got) == 0 && !sometimesEmpty[panel.Title] {
				t.Errorf("%s shows nothing: %s", panel.Title, target.Expr)
			}
		}
	}
	for _, v := range d.Templating.List[1:] {
		metric, label, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(v.Definition, "label_values("), ")"), ", "+v.Name)
		if got := n.series.query(t, engine, "count by ("+v.Name+") ("+variables.Replace(metric)+")", end); len(got) == 0 || got[0].Metric.Get(v.Name) == "" || label != "" {
			t.Errorf("the variable %s finds nothing: %s", v.Name, v.Definition)
		}
	}
	// What an operator is paged for is on the first dashboard.
	shown := docsFile(t, "../../deploy/grafana/dashboards/deskstream.json")
	for _, r := range readRules(t) {
		for _, name := range regexp.MustCompile(`deskstream_[a-z_]+`).FindAllString(r.Expr, -1) {
			if !strings.Contains(shown, name) {
				t.Errorf("the dashboard does not show %s, of the alert %s", name, r.Alert)
			}
		}
	}
}
