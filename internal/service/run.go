package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/tracing"
	"github.com/deskstream/deskstream/internal/version"
	"github.com/deskstream/deskstream/internal/wiring"
)

// Options say which pipelines to run, and how to start.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// File is where Config was read, for the log.
	File string
	// Destinations are the names of those to run, all if empty.
	Destinations []string
	// CreateTopics creates the topics that are missing.
	CreateTopics bool
	// Redeliver lets a group without offsets deliver events that have outcomes already.
	Redeliver bool
	// ConnectTimeout limits the first contact with Kafka and the schema registry.
	ConnectTimeout time.Duration
	// By is the name in the log of who acts in the console where nobody logs in.
	By string
	// AnyConsolePort takes a free port for the console where that of http.console is taken.
	AnyConsolePort bool
	// Reloading says how the configuration is read again while pipelines run.
	Reloading Reloading
}

// Run runs pipelines until ctx ends or one of them cannot go on. Faults in the
// configuration are config.UsageErrors or config.FlagErrors.
func Run(ctx context.Context, o Options) error {
	chosen, err := wiring.Choose(o.Config, o.Destinations)
	if err != nil {
		return &config.FlagError{Err: err}
	}
	sayStart(o, chosen)
	found, err := meetKafka(ctx, o)
	if err != nil {
		return err
	}
	book, err := codec.Open(o.Config, o.Log)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	defer book.Close()
	if err := book.PrepareOutcomes(ctx, o.ConnectTimeout); err != nil {
		return err
	}
	base, err := cluster.Options(o.Config)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	base = append(base, kgo.WithLogger(cluster.NewLogger(o.Log)))
	parts := Parts{Options: o, Found: found, Codec: book, Connection: base}
	provider, err := tracing.Open(ctx, version.Release(), o.Log)
	if err != nil {
		return err
	}
	defer provider.Close()
	parts.Traces = provider.Source()
	s, err := New(parts)
	if err != nil {
		return err
	}
	if err := s.Listen(ctx); err != nil {
		return err
	}
	reserve := tuneCollector(chosen)
	defer runtime.KeepAlive(reserve)
	return explainRedelivery(o.Config, s.Run(ctx))
}

// heapGrowth is how much the heap may grow before it is collected, in percent of what is
// alive. Most of that is events that wait, which no collection frees: with Go's default of
// 100 they would take twice their memory.
const heapGrowth = 33

// heapReserve, or placeReserve for each call in flight that is allowed if that is more, is memory that
// is asked for and never touched, so the machine gives none for it. The heap counts it, so it may grow
// by heapGrowth of it in any case: a pipeline that keeps up has next to nothing alive, and collected
// what it left a hundred times for 60,000 events without a reserve. A collection reads the stacks and
// connections of the calls in flight, so with thousands of them it has to come less often. A soft limit
// with a larger growth does the same for a small heap, but where more is alive than the limit it takes
// half of the processor.
const (
	heapReserve  = 128 << 20
	placeReserve = 128 << 10
)

// tuneCollector sets heapGrowth unless the environment sets GOGC, and returns memory that has
// to stay alive. With GOMEMLIMIT there is none, because the limit would count it.
func tuneCollector(destinations []config.Destination) (reserve []byte) {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	debug.SetGCPercent(heapGrowth)
	if os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	places := 0
	for _, d := range destinations {
		places += d.Delivery.MaxInFlight
	}
	return make([]byte, max(heapReserve, places*placeReserve))
}

// meetKafka waits for the cluster, creates the missing topics if that is asked for, and
// returns what the pipelines need to know of them. It returns an error, within the connect
// timeout, when no pipeline could work with the cluster.
func meetKafka(ctx context.Context, o Options) (cluster.Topology, error) {
	late := fmt.Errorf("no answer from Kafka within %v (--connect-timeout)", o.ConnectTimeout)
	bounded, cancel := context.WithTimeoutCause(ctx, o.ConnectTimeout, late)
	defer cancel()
	client, err := cluster.Contact(bounded, o.Config, o.Log)
	if err != nil {
		return cluster.Topology{}, err
	}
	defer client.Close()
	found, err := checkCluster(bounded, client, o)
	// Partitions and groups of an unreachable broker move to another one, or it comes back.
	for told := false; cluster.IsUnreachable(err) && bounded.Err() == nil; told = true {
		if !told {
			o.Log.Warn("a broker is not reached, asking again", "err", err)
		}
		select {
		case <-time.After(time.Second):
			found, err = checkCluster(bounded, client, o)
		case <-bounded.Done():
		}
	}
	if err != nil && errors.Is(context.Cause(bounded), late) && !errors.Is(err, late) {
		err = fmt.Errorf("%w: %w", late, err)
	}
	return found, cluster.Explain(ctx, o.Config.Kafka, err)
}

// checkCluster returns what the pipelines need to know of a cluster that answers, or all that
// is wrong with it.
func checkCluster(ctx context.Context, client *kgo.Client, o Options) (cluster.Topology, error) {
	if err := cluster.CheckVersions(ctx, client, o.Config.Source.GroupProtocol); err != nil {
		return cluster.Topology{}, err
	}
	chosen, err := wiring.Choose(o.Config, o.Destinations)
	if err != nil {
		return cluster.Topology{}, err
	}
	set := cluster.TopicsOf(o.Config, chosen...)
	if o.CreateTopics {
		if err := cluster.Create(ctx, client, set, o.Log); err != nil {
			return cluster.Topology{}, err
		}
	}
	found, err := cluster.Verify(ctx, client, set, o.Log)
	if err == nil && !o.CreateTopics {
		cluster.WarnOfMissingStates(ctx, client, set, o.Log)
	}
	problems := []error{err}
	for _, d := range chosen {
		problems = append(problems, cluster.CheckGroup(ctx, client, o.Config.Source.GroupProtocol, o.Config.Group(d)))
	}
	return found, errors.Join(problems...)
}
