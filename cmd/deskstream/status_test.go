package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

func TestStatus_showsLagAndInstances(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Kafka(t, kafkatest.Topic("events", 2))
	instance := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"version":"1","pipelines":[{"destination":"crm","joined":%t,"hold":"http_401"}]}`, r.URL.Path == "/status")
	}))
	t.Cleanup(instance.Close)
	file := writeFile(t, "c.yaml", fmt.Sprintf("kafka: {brokers: [%q]}\n", strings.Join(kafka.Brokers, ","))+goodConfig)
	status := func(args ...string) result {
		return runCommand(t, "", append([]string{"status", "-c", file, "--over", "1s"}, args...)...)
	}
	text := status("--admin", instance.URL)
	text.want(t, exitOK, "DESTINATION", "")
	if !strings.Contains(text.stdout, "held: http_401") {
		t.Errorf("got\n%s", text.stdout)
	}
	var doc struct {
		Kind string
		Data struct{ Destinations []struct{ Name string } }
	}
	got := status("--json")
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || doc.Kind != "status" || len(doc.Data.Destinations) != 1 {
		t.Errorf("%v: %s", err, got.stdout)
	}
	instance.Close()
	status("--admin", instance.URL).want(t, exitFault, "no answer", "1 instance did not answer")
	status("--destination", "nobody").want(t, exitUsage, "", "nobody")
	status("--over", "1ms").want(t, exitUsage, "", "--over")
}
