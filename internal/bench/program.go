package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// job is what a program is to do in one run.
type job struct {
	brokers          []string
	topic, responses string
	letters          string
	group            string // as the program is told; see program.group
	url              string
	inFlight         int
	dir              string // for the program's own files
	metrics          string // the address of the program's metrics, "": none
	console          string // address of deskstream's console, "" for none
}

// program is one of the two that are compared.
type program struct {
	name string
	// command is the command line that does a job.
	command func(job) ([]string, error)
	// group is the consumer group that does a job.
	group func(job) string
	// commits says that all is committed once all is delivered.
	commits bool
	// env are variables of its environment. observer reads its metrics, nil: nobody does.
	env      []string
	observer *observer
}

func deskstream(name, binary string) program {
	return program{
		name:    name,
		commits: true,
		group:   func(j job) string { return j.group + ".crm" },
		command: func(j job) ([]string, error) {
			file := filepath.Join(j.dir, "deskstream.yaml")
			if err := os.WriteFile(file, []byte(configuration(j)), 0o600); err != nil {
				return nil, fmt.Errorf("writing the configuration: %w", err)
			}
			return []string{binary, "run", "-c", file, "--log-level", "warn"}, nil
		},
	}
}

// configuration is the default but for what the case says, and a budget that never binds. A
// second is its window, since a process that has just got its part of a budget begins with
// no call for a fiftieth of the window: of a minute that would be a second of a paced run.
// The key is in no event, as a real one is in none.
func configuration(j job) string {
	console := "" // older builds do not know the setting
	if j.console != "" {
		console = fmt.Sprintf(", console: %q", j.console)
	}
	return fmt.Sprintf(`kafka: {brokers: [%s]}
source: {topics: [%s], group: %s}
responses: {topic: %s}
dead_letters: {topic: %s}
http: {listen: %q, admin: "127.0.0.1:0"%s}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: 0123456789abcdef, base_url: %q}
    delivery: {max_in_flight: %d, rate_limit: {requests: 100000000, per: 1s, reserve: 0}}
`, quoted(j.brokers), j.topic, j.group, j.responses, j.letters, j.metrics, console, j.url, j.inFlight)
}

func theLimit(self string) program {
	return program{
		name:  "limit",
		group: func(j job) string { return j.group },
		command: func(j job) ([]string, error) {
			return []string{
				self, "limit", "-brokers", strings.Join(j.brokers, ","), "-topic", j.topic, "-responses", j.responses,
				"-group", j.group, "-url", j.url, "-in-flight", strconv.Itoa(j.inFlight),
			}, nil
		},
	}
}

// quoted is a list for a YAML file.
func quoted(texts []string) string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = strconv.Quote(text)
	}
	return strings.Join(list, ", ")
}
