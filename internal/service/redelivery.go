package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/processor"
)

// explainRedelivery adds to the error of a group that has lost its offsets which commands to
// type. Any other error is returned unchanged.
func explainRedelivery(cfg *config.Config, err error) error {
	found, ok := errors.AsType[*processor.RedeliveryError](err)
	if !ok {
		return err
	}
	tool := "kafka-consumer-groups.sh --bootstrap-server " + cfg.Kafka.Brokers[0] + " --reset-offsets --group "
	reset := fmt.Sprintf("%s%s --topic %s --to-datetime 2026-01-02T03:04:05.000 --execute", tool, found.Group, found.Topic)
	advice := "to go on from a time, type " + reset + ", with the time in UTC"
	if found.Outcome.Group != found.Group && !found.Mirrored() {
		advice = fmt.Sprintf("if it had, stop what still runs under that name and give its offsets to the new one: "+
			"type %s%s --all-topics --to-current --export --dry-run > offsets.csv, then %s%s --from-file offsets.csv --execute",
			tool, found.Outcome.Group, tool, found.Group)
	}
	return &cluster.RefusedError{Err: err, Lasting: true, Advice: advice + `; to deliver all of them again, or for the first time at a new destination, run once with --redeliver; ` +
		`to deliver only what comes from now on, set start: latest; see "Offsets that are lost" in docs/operations.md`}
}

// CheckStarts reports with which error run would refuse to begin with a destination rather than
// deliver again what has outcomes. The topics exist.
func CheckStarts(ctx context.Context, cfg *config.Config, log *slog.Logger) []cluster.Finding {
	failed := func(name string, err error) cluster.Finding {
		return cluster.Finding{What: "start", Name: name, Failed: true, Text: explainRedelivery(cfg, err).Error()}
	}
	connection, err := cluster.Options(cfg)
	if err != nil {
		return []cluster.Finding{failed("-", err)}
	}
	connection = append(connection, kgo.WithLogger(cluster.NewLogger(log)))
	client, err := cluster.Connect(ctx, cfg, log)
	if err != nil {
		return []cluster.Finding{failed("-", err)}
	}
	defer client.Close()
	found, err := cluster.Find(ctx, client, cfg.Inputs())
	if err != nil {
		return []cluster.Finding{failed("-", err)}
	}
	var findings []cluster.Finding
	for _, d := range cfg.Destinations {
		c := wiring.ProcessorConfig(cfg, d, found)
		c.Connection = connection
		f := cluster.Finding{What: "start", Name: c.Group, Text: "delivers nothing that has an outcome"}
		if err := processor.FindRedelivery(ctx, c, client, log); err != nil {
			f = failed(c.Group, fmt.Errorf("destination %s: %w", d.Name, err))
		}
		findings = append(findings, f)
	}
	return findings
}
