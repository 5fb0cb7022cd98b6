package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

func identify(id string) string {
	return fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":"u","traits":{"name":"N"}}`, id)
}

func TestPlan_printsThePlansOfLinesOrOfTheNewestRecords(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	for _, id := range []string{"m-1", "m-2", "m-3"} {
		cluster.Produce(t, &kgo.Record{Topic: "events", Value: []byte(identify(id))})
	}
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), cluster.Brokers)
	for want, got := range map[string]result{
		"crm m-9 planned":                 runCommand(t, identify("m-9"), "plan", "--offline", "-c", file),
		"crm m-2 planned crm m-3 planned": runCommand(t, "", "plan", "--offline", "--last", "2", "-c", file),
	} {
		got.want(t, exitOK, `"method":"POST"`, "")
		if all := strings.Join(outcomes(t, got.stdout), " "); all != want {
			t.Errorf("outcomes %q, want %q", all, want)
		}
	}
}

func TestPlan_rulesSaysWhichRuleDecides(t *testing.T) {
	t.Parallel()
	file := deskConfig(t, "http://127.0.0.1:1", "crm")
	runCommand(t, identify("m-9"), "plan", "--rules", "-c", file).want(t, exitOK, "event 1: identify messageId m-9\n  crm: has no rules\n", "")
	runCommand(t, identify("m-9"), "plan", "--rules", "--json", "-c", file).want(t, exitOK, `"rule":null,"rules":[]`, "")
}

func TestPlan_wrongUsage(t *testing.T) {
	t.Parallel()
	file := deskConfig(t, "http://127.0.0.1:1", "crm")
	runCommand(t, "", "plan", "-c", file, "--last", "0").want(t, exitUsage, "", "--last takes a number")
	runCommand(t, "", "plan", "-c", file, "--last", "3", "x").want(t, exitUsage, "", "no EVENTS beside it")
	runCommand(t, "", "plan", "-c", file, "--destination", "x").want(t, exitUsage, "", `no destination is called "x"`)
}
