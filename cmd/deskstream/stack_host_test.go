package main

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/config"
)

// These tests read the pages that lead through the local stack from this machine.

var (
	assignment = regexp.MustCompile(`\b([A-Z][A-Z_]+)=(\S+)`)
	exported   = regexp.MustCompile(`(?m)^ *export (.*)$`)
	unset      = regexp.MustCompile(`(?m)^ *unset (.*)$`)
)

// The function of the page gives the program the ports that compose publishes.
func TestStack_theHostsFunctionNamesWhatIsPublished(t *testing.T) {
	t.Parallel()
	env := map[string]string{}
	for _, m := range fence.FindAllStringSubmatch(readFile(t, repository+"/docs/local-stack.md"), -1) {
		if m[1] == "sh host" {
			for _, set := range assignment.FindAllStringSubmatch(m[2], -1) {
				env[set[1]] = set[2]
			}
		}
	}
	if path := repository + "/" + env["DESKSTREAM_CONFIG"]; path != stackConfig {
		t.Errorf("the function reads %s, not %s", path, stackConfig)
	}
	cfg, err := config.Load(stackConfig, lookup(env))
	if err != nil {
		t.Fatal(err)
	}
	published := func(service string) string { return "127.0.0.1:" + stack(t, nil).Services[service].Ports[0].Published }
	hosts := append([]string{}, cfg.Kafka.Brokers...)
	for _, address := range append(cfg.SchemaRegistry.URLs, cfg.Destinations[0].BaseURL(), cfg.Destinations[1].BaseURL()) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, u.Host)
	}
	if diff := cmp.Diff([]string{published("kafka"), published("registry"), published("stub"), published("stub")}, hosts); diff != "" {
		t.Errorf("addresses (-published +function):\n%s", diff)
	}
}

// A variable that stays in the shell is handed to the containers at the next make up.
func TestStack_noPageLeavesAVariableOfTheStackInTheShell(t *testing.T) {
	t.Parallel()
	read := map[string]bool{}
	for name := range exampleEnv(t) {
		read[name] = true
	}
	seen := 0
	for _, path := range append(docsPages(t), repository+"/ARCHITECTURE.md") {
		page := readFile(t, path)
		for _, at := range exported.FindAllStringSubmatchIndex(page, -1) {
			after := page[at[1]:]
			for _, set := range assignment.FindAllStringSubmatch(page[at[2]:at[3]], -1) {
				seen++
				if read[set[1]] && !unsets(after, set[1]) {
					t.Errorf("%s exports %s and does not unset it: the stack reads it", path, set[1])
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no page exports a variable")
	}
}

func unsets(text, name string) bool {
	for _, m := range unset.FindAllStringSubmatch(text, -1) {
		for word := range strings.FieldsSeq(m[1]) {
			if word == name {
				return true
			}
		}
	}
	return false
}

// dlq plan writes its file in a container too.
func TestStack_thePlansOfDeadLettersHaveAPlaceInTheContainer(t *testing.T) {
	t.Parallel()
	service := stack(t, nil).Services["deskstream"]
	if len(service.Tmpfs) != 1 || !strings.HasPrefix(service.Tmpfs[0], "/tmp:") {
		t.Errorf("the read-only container can write in %q, not in /tmp", service.Tmpfs)
	}
	page := readFile(t, repository+"/docs/local-stack.md")
	if !strings.Contains(page, "exec -T deskstream /deskstream dlq plan --code missing_identifier -o /tmp/") {
		t.Error("the page plans nothing in the container")
	}
}

// Subjects of the stack show an event that a person wrote, not only made-up ones.
func TestStack_theTemplatesWantNothingOfMadeUpEventsOnly(t *testing.T) {
	t.Parallel()
	if text := readFile(t, stackConfig); strings.Contains(text, "eventNo") {
		t.Error("a template wants eventNo, which only made-up events have")
	}
}

// A command in the container needs no -c: the image names the file that compose mounts.
func TestStack_theImageNamesItsConfiguration(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`(?m)^ENV ` + configVariable + `=(\S+)$`).FindStringSubmatch(readFile(t, dockerfile))
	if named == nil {
		t.Fatal("the image does not set " + configVariable)
	}
	for _, volume := range stack(t, nil).Services["deskstream"].Volumes {
		if volume.Target == named[1] {
			return
		}
	}
	t.Errorf("compose mounts nothing at %s", named[1])
}
