package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
)

func newRunCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Delivers events from Kafka until it is stopped",
		Long: `run reads the source topics with one consumer group per destination, delivers each
event, writes what became of it to the responses topic and what could not be
delivered to the dead-letter topic, and commits an offset only when all that it
stands for is recorded.

SIGTERM or SIGINT ends it within source.drain_timeout and 5 seconds, with exit code
0: calls in the air may land, what is still open is delivered by whoever reads it
next. A second signal ends it at once. SIGHUP is ignored, with a line in the log.`,
		Example: `  deskstream run -c deskstream.yaml
  deskstream run -c deskstream.yaml --destination crm --create-topics`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	var opts runOptions
	cmd.Flags().StringArrayVar(&opts.destinations, "destination", nil, "run this destination's pipeline only (repeatable)")
	cmd.Flags().BoolVar(&opts.createTopics, "create-topics", false, "create the topics that are missing")
	cmd.Flags().DurationVar(&opts.connectTimeout, "connect-timeout", time.Minute, "how long the first contact with Kafka may take")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		defer ignoreHangUp(a.log)()
		for _, w := range cfg.Warnings().List {
			a.log.Warn("configuration has a setting to change", "file", *path, "line", w.Line, "problem", w.Message)
		}
		err = a.runPipelines(cmd.Context(), cfg, opts)
		if cmd.Context().Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
			return nil // told to stop, during start-up too
		}
		return err
	}
	return cmd
}

// runOptions are the flags of run.
type runOptions struct {
	destinations   []string
	createTopics   bool
	connectTimeout time.Duration
}

func (a *app) runPipelines(ctx context.Context, cfg *config.Config, opts runOptions) error {
	if _, err := choose(cfg.Destinations, opts.destinations); err != nil {
		return usageError{err}
	}
	found, err := a.meetKafka(ctx, cfg, opts)
	if err != nil {
		return err
	}
	book, err := openSchemas(cfg, a.log)
	if err != nil {
		return &exitError{Code: exitUsage, Err: err}
	}
	defer book.close()
	if err := book.prepareOutcomes(ctx, cfg, opts.connectTimeout, a.log); err != nil {
		return err
	}
	base, err := kafkaOpts(cfg)
	if err != nil {
		return &exitError{Code: exitUsage, Err: err}
	}
	base = append(base, kgo.WithLogger(newTerseLogger(a.log)))
	s, err := newService(cfg, opts.destinations, found, a.log, book, base)
	if err != nil {
		return err
	}
	if err := s.listen(ctx); err != nil {
		return err
	}
	reserve := tuneCollector()
	defer runtime.KeepAlive(reserve)
	return s.run(ctx)
}

// heapGrowth is by how much of what is alive the heap may grow before it is collected,
// in percent. Most of it is events that wait, which no collection frees: with Go's
// usual 100 they would take up their memory twice.
const heapGrowth = 33

// heapReserve is memory that is asked for and never touched, so the machine gives none
// for it. The heap counts it, so it may grow by heapGrowth of it in any case: a pipeline
// that keeps up has next to nothing alive, and collected what it left a hundred times for
// 60,000 events without a reserve, and 40 times with half of this one. A soft limit with a
// larger growth does the same for a small heap, but where more is alive than the limit it
// takes half of the processor.
const heapReserve = 128 << 20

// tuneCollector sets heapGrowth unless the environment says otherwise, and gives back
// what has to stay alive. A limit of the environment's would count the reserve.
func tuneCollector() (reserve []byte) {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	debug.SetGCPercent(heapGrowth)
	if os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return make([]byte, heapReserve)
}

// meetKafka waits for the cluster, makes the topics if that is asked for, and finds
// out what the pipelines need to know of them. It refuses what no pipeline could work
// with, within the time that the first contact may take.
func (a *app) meetKafka(ctx context.Context, cfg *config.Config, opts runOptions) (topology, error) {
	late := fmt.Errorf("no answer from Kafka within %v (--connect-timeout)", opts.connectTimeout)
	bounded, cancel := context.WithTimeoutCause(ctx, opts.connectTimeout, late)
	defer cancel()
	client, err := a.contact(bounded, cfg)
	if err != nil {
		return topology{}, err
	}
	defer client.Close()
	found, err := a.survey(bounded, client, cfg, opts)
	// What a broker that is away leads or coordinates goes to another one, or it comes back.
	for told := false; isAway(err) && bounded.Err() == nil; told = true {
		if !told {
			a.log.Warn("a broker is not reached, asking again", "err", err)
		}
		select {
		case <-time.After(time.Second):
			found, err = a.survey(bounded, client, cfg, opts)
		case <-bounded.Done():
		}
	}
	if err != nil && errors.Is(context.Cause(bounded), late) && !errors.Is(err, late) {
		err = fmt.Errorf("%w: %w", late, err)
	}
	return found, explain(ctx, cfg.Kafka, err)
}

// survey looks at a cluster that answers.
func (a *app) survey(ctx context.Context, client *kgo.Client, cfg *config.Config, opts runOptions) (topology, error) {
	if err := checkVersions(ctx, client, cfg.Source.GroupProtocol); err != nil {
		return topology{}, err
	}
	set := topicSet{sources: cfg.Source.Topics, responses: cfg.Responses.Topic, deadLetters: cfg.DeadLetters.Topic}
	if opts.createTopics {
		if err := createTopics(ctx, client, set, a.log); err != nil {
			return topology{}, err
		}
	}
	found, err := verifyTopics(ctx, client, set, a.log)
	problems := []error{err}
	chosen, err := choose(cfg.Destinations, opts.destinations)
	problems = append(problems, err)
	for _, d := range chosen {
		problems = append(problems, checkGroup(ctx, client, cfg.Source.GroupProtocol, cfg.Group(d)))
	}
	return found, errors.Join(problems...)
}
