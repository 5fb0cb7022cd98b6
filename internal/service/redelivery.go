package service

import (
	"errors"
	"fmt"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
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
