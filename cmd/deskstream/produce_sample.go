package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/sample"
)

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
	cmd.Flags().Uint64Var(&o.seed, "seed", 1, "the `number` that made-up events follow from; the same seed gives the same events")
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
func (l *loading) madeUp(ctx context.Context, cl *kgo.Client, produce produceFunc) error {
	before, err := journal.CountRecords(ctx, cl, l.topic)
	if err != nil {
		return err
	}
	generator, limit := sample.Shop(l.sample.seed, before), sample.Pace(l.sample.rate)
	for n := 0; l.sample.events == 0 || n < l.sample.events; n++ {
		if limit.Wait(ctx) != nil {
			return context.Cause(ctx)
		}
		r := generator.Next()
		r.Value = l.reader.Wrap(r.Value)
		if value, err := l.encode(r.Value); err == nil && l.avro {
			r.Value = value // what does not fit the schema stands there as it is
		}
		produce(0, &kgo.Record{Key: r.Key, Value: r.Value})
	}
	return nil
}
