package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// budgetBench measures what a rate budget is spent on. The desk is the program's own stub with the
// limit that Trengo documents, 120 calls a minute, in a shorter minute: all times of the report are
// those of a real one.
type budgetBench struct {
	self, dir     string
	binary, other string // the builds; other may be ""
	kafka         *cluster
	brokers       []string
	minute        time.Duration // that takes the place of one
	window        time.Duration // the same for the share of the limit that is used
	lasts         time.Duration // of each run, in real time
	backlog       int
	people        int
}

// budgetCase is a row of the report. A later case is one more of them.
type budgetCase struct {
	name string
	run  func(ctx context.Context, b *budgetBench) (budgetRow, error)
}

// budgetRow is what a case found.
type budgetRow struct {
	other, ours, reach string
	ratio              string
	passed             bool
}

var budgetCases = []budgetCase{
	{"Trengo, 120 a minute, a backlog of identifies, a ticket every 10 s: p99 from event to ticket", ticketsBehindABacklog},
	{"the same: identifies drained meanwhile, of those without tickets", drainedMeanwhile},
	{"a backlog of identifies of a twentieth as many users (Zipf, exponent 1), coalescing on: calls, lookups included", fewerCalls},
	{"the same beside RudderStack's way", rudderStacksWay},
	{"Trengo, 120 a minute, a backlog, three instances, 60 windows: share of the limit that is used", useOfTheLimit},
	{"no priorities: peak memory", memoryWithoutPriorities},
}

func runBudget(ctx context.Context, args []string) error {
	b := &budgetBench{}
	flags := flag.NewFlagSet("budget", flag.ContinueOnError)
	binary := flags.String("deskstream", "./deskstream", "the `binary` to measure")
	beside := flags.String("beside", "", "another build to measure beside it: a `binary`, or a commit to build")
	only := flags.String("only", "", "cases whose name contains this `text`")
	flags.DurationVar(&b.minute, "minute", 2*time.Second, "how long a minute is")
	flags.DurationVar(&b.window, "window", 4*time.Second, "how long a minute is where the share of the limit is measured")
	flags.DurationVar(&b.lasts, "lasts", 45*time.Second, "how long a run with tickets lasts")
	flags.IntVar(&b.backlog, "backlog", 100_000, "events that wait")
	flags.IntVar(&b.people, "users", 40_000, "users that they are of")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if b.binary, err = find(*binary); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "deskstream-bench"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.dir) }()
	if *beside != "" {
		if b.other, err = find(*beside); err != nil {
			if b.other, err = build(ctx, *beside, b.dir); err != nil {
				return err
			}
		}
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	kafka, brokers, stop, err := openCluster(ctx, b.self)
	if err != nil {
		return err
	}
	defer stop()
	b.kafka, b.brokers = kafka, brokers
	return b.report(ctx, *only)
}

// build makes the binary of a commit of this repository.
func build(ctx context.Context, commit, dir string) (binary string, err error) {
	source, binary := filepath.Join(dir, "source"), filepath.Join(dir, "other")
	for _, command := range []*exec.Cmd{
		exec.CommandContext(ctx, "git", "clone", "--quiet", "--shared", "--no-checkout", ".", source),
		exec.CommandContext(ctx, "git", "-C", source, "checkout", "--quiet", commit),
		exec.CommandContext(ctx, "go", "build", "-C", source, "-o", binary, "./cmd/deskstream"),
	} {
		if out, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: %s: %w\n%s", commit, command, err, out)
		}
	}
	return binary, nil
}

// report runs the cases and prints a table, whose last line is PASS or FAIL with the ratios.
func (b *budgetBench) report(ctx context.Context, only string) error {
	var table strings.Builder
	table.WriteString("| case | other build | this build | reach | ratio |\n| --- | --- | --- | --- | --- |\n")
	verdict, ratios := "PASS", []string{}
	for _, c := range budgetCases {
		if !strings.Contains(c.name, only) {
			continue
		}
		row, err := c.run(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", c.name, row.other, row.ours, row.reach, row.ratio)
		ratios = append(ratios, row.ratio)
		if !row.passed {
			verdict = "FAIL"
		}
	}
	if _, err := fmt.Fprintf(os.Stdout, "%s%s: %s\n", table.String(), verdict, strings.Join(ratios, "; ")); err != nil {
		return err
	}
	if verdict == "FAIL" {
		return errors.New("a case does not reach what it is to reach")
	}
	return nil
}

// scaled is a time of the run as it would be with minutes of sixty seconds.
func (b *budgetBench) scaled(took time.Duration) time.Duration {
	return time.Duration(float64(took) * float64(time.Minute) / float64(b.minute))
}

// configuration is that of one run. Priorities are left out for a build that has none.
func (b *budgetBench) configuration(ctx context.Context, binary, name, url string) (file string, err error) {
	file = filepath.Join(b.dir, name+".yaml")
	for _, priority := range []string{", priority: {track: high, identify: low}", ""} {
		text := fmt.Sprintf(`kafka: {brokers: [%s]}
source: {topics: [%s], group: %s}
responses: {topic: %s.responses}
dead_letters: {topic: %s.letters}
limits: {records: 200000, bytes: 256MiB}
http: {listen: "", admin: "127.0.0.1:0"}
destinations:
  - name: inbox
    type: trengo
    trengo:
      api_token: 0123456789abcdef
      channel_id: "123456"
      event_templates: [{event: Payment Failed, template: Payment failed}]
      base_url: %q
    delivery: {rate_limit: {requests: 120, per: %v}%s}
`, quoted(b.brokers), name, name, name, name, url, b.minute, priority)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
		if err = exec.CommandContext(ctx, binary, "check", "-c", file).Run(); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("checking the configuration with %s: %w", binary, err)
}
