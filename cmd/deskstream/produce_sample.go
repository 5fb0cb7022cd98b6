package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/sample"
)

const (
	// sampleUsers and sampleOddShare shape the events that are made up.
	sampleUsers    = 500
	sampleOddShare = 0.02
)

// newSample makes up events that go on after the ones that are there.
func newSample(seed uint64, after int) *sample.Generator {
	return sample.New(sample.Config{Seed: seed, Users: sampleUsers, OddShare: sampleOddShare, MarkNames: true, After: after})
}

// pace lets that many events a second through, 0 as many as come.
func pace(perSecond float64) *rate.Limiter {
	if perSecond == 0 {
		return rate.NewLimiter(rate.Inf, 1)
	}
	return rate.NewLimiter(rate.Limit(perSecond), 1)
}

// sampleOptions are the flags of produce that make events up.
type sampleOptions struct {
	on     bool
	events int     // 0: until stopped
	rate   float64 // events per second, 0: as fast as possible
	seed   uint64
}

func (o sampleOptions) endless() bool { return o.on && o.events == 0 }

func sampleFlags(cmd *cobra.Command, o *sampleOptions) {
	cmd.Flags().BoolVar(&o.on, "sample", false, "make up events instead of reading them, for stub help desks only")
	cmd.Flags().IntVar(&o.events, "events", 0, "stop after this many made-up events (default: run until stopped)")
	cmd.Flags().Float64Var(&o.rate, "rate", 0, "made-up events per second (default: as fast as possible)")
	cmd.Flags().Uint64Var(&o.seed, "seed", 1, "what decides about made-up events; the same seed gives the same events")
}

// validate refuses flags that say nothing or contradict each other.
func (o sampleOptions) validate(cmd *cobra.Command, args []string) error {
	if o.events < 0 || o.rate < 0 {
		return errors.New("--events and --rate cannot be negative")
	}
	if !o.on {
		for _, name := range []string{"events", "rate", "seed"} {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("--%s is for --sample", name)
			}
		}
		return nil
	}
	if len(args) > 0 {
		return errors.New("--sample takes no file of events")
	}
	return nil
}

// permit refuses to make events up for a real help desk. A stub is what is spoken to in
// plain http.
func (o sampleOptions) permit(cfg *config.Config) error {
	if !o.on {
		return nil
	}
	for _, d := range cfg.Destinations {
		if !strings.HasPrefix(strings.ToLower(d.BaseURL()), "http://") {
			return fmt.Errorf("--sample is for stub help desks, and the base_url of destination %s is %s", d.Name, d.BaseURL())
		}
	}
	return nil
}

// madeUp feeds the events that the flags ask for, numbered on from those on the topic.
func (l *loading) madeUp(ctx context.Context, cl *kgo.Client, produce func(*kgo.Record)) error {
	before, err := recordsOn(ctx, cl, l.topic)
	if err != nil {
		return err
	}
	generator, limit := newSample(l.sample.seed, before), pace(l.sample.rate)
	for n := 0; l.sample.events == 0 || n < l.sample.events; n++ {
		if limit.Wait(ctx) != nil {
			return context.Cause(ctx)
		}
		r := generator.Next()
		r.Value = l.reader.Wrap(r.Value)
		if value, err := l.encode(r.Value); err == nil && l.avro {
			r.Value = value // what does not fit the schema stands there as it is
		}
		produce(&kgo.Record{Key: r.Key, Value: r.Value})
	}
	return nil
}

// recordsOn is how many records stand on topics that lost none yet.
func recordsOn(ctx context.Context, client *kgo.Client, topics ...string) (int, error) {
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topics...)
	if err = errors.Join(err, ends.Error()); err != nil {
		return 0, fmt.Errorf("finding the ends of the topics: %w", err)
	}
	n := 0
	ends.Each(func(end kadm.ListedOffset) { n += int(end.Offset) })
	return n, nil
}
