package export

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/wiring"
)

// Check returns for each destination with something to export what its next walk takes, or why the
// desk does not show its lists; and what is wrong with the topics. It writes nothing.
func Check(ctx context.Context, cfg *config.Config, log *slog.Logger) []cluster.Finding {
	libraries, err := wiring.Libraries(cfg, nil, nil, log)
	if err != nil {
		return []cluster.Finding{{What: "export", Name: "-", Failed: true, Text: err.Error()}}
	}
	if len(libraries) == 0 {
		return nil
	}
	client, err := cluster.Connect(ctx, cfg, log)
	if err != nil {
		return nil // it is reported for the brokers
	}
	defer client.Close()
	findings := checkTopics(ctx, client, cfg, libraries, log)
	for _, l := range libraries {
		findings = append(findings, checkLists(ctx, client, cfg, l, log))
	}
	return findings
}

func checkTopics(ctx context.Context, cl *kgo.Client, cfg *config.Config, libraries []wiring.Library, log *slog.Logger) []cluster.Finding {
	bounded, cancel := context.WithTimeout(ctx, cluster.ContactTimeout)
	defer cancel()
	compacted, events := topicsOf(cfg, libraries)
	if err := verifyTopics(bounded, cl, compacted, events, log); err != nil {
		return []cluster.Finding{{What: "export topics", Name: events, Failed: true, Text: err.Error()}}
	}
	return nil
}

// checkLists measures the lists of a destination.
func checkLists(ctx context.Context, cl *kgo.Client, cfg *config.Config, l wiring.Library, log *slog.Logger) cluster.Finding {
	f := cluster.Finding{What: "export", Name: l.Config.Name}
	s := &store{
		prefix: cfg.Inbound.Topic, destination: l.Config.Name, client: cl, log: log,
		connect: func(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
			return cluster.Connect(ctx, cfg, log, opts...)
		},
	}
	p, err := s.places(ctx)
	if err != nil {
		p = newPlaces() // the topic does not exist yet
	}
	w, end := newWalker(l, s, p, log)
	defer end()
	w.dry = true
	next, err := w.forecast(ctx)
	if err != nil {
		f.Failed, f.Text = true, err.Error()
		return f
	}
	next.price(l)
	f.Warning, f.Text = len(next.Unknown) > 0, "next walk: "+next.String()
	return f
}
