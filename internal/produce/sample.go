package produce

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/sample"
)

// Sample says which events to make up.
type Sample struct {
	Events int     // 0: until stopped
	Rate   float64 // events per second, 0: as fast as possible
	Seed   uint64
}

func (s *Sample) endless() bool { return s != nil && s.Events == 0 }

// permitSample refuses to make events up for a real help desk. A stub is a help desk that is
// reached in plain http.
func permitSample(cfg *config.Config) error {
	for _, d := range cfg.Destinations {
		if !strings.HasPrefix(strings.ToLower(d.BaseURL()), "http://") {
			return fmt.Errorf("--sample is for stub help desks, and the base_url of destination %s is %s", d.Name, d.BaseURL())
		}
	}
	return nil
}

// makeUp produces made-up events, numbered on from those on the topic.
func (r *run) makeUp(ctx context.Context, cl *kgo.Client, produce produceFunc) error {
	before, err := journal.CountRecords(ctx, cl, r.Topic)
	if err != nil {
		return err
	}
	generator, limit := sample.Shop(r.Sample.Seed, before), sample.Pace(r.Sample.Rate)
	for n := 0; r.Sample.Events == 0 || n < r.Sample.Events; n++ {
		if limit.Wait(ctx) != nil {
			return context.Cause(ctx)
		}
		e := generator.Next()
		e.Value = r.reader.Wrap(e.Value)
		if value, err := r.encode(e.Value); err == nil {
			e.Value = value // in Avro what does not fit the schema stands there as it is
		}
		produce(0, &kgo.Record{Key: e.Key, Value: e.Value})
	}
	return nil
}
