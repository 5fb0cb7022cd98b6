package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/service"
	"github.com/deskstream/deskstream/internal/status"
	"github.com/deskstream/deskstream/internal/wiring"
)

func newStatusCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status -c FILE [--admin URL]",
		Short: "Shows how far each destination is behind, and why",
		Long: `status shows of each destination, from Kafka, how many records are not settled (lag), how
many come and are settled a second, and how long the lag takes at these rates. It looks
twice, --over apart.

From each instance at --admin it shows what only that knows: hold, partitions, the oldest
open event and the rate budget. Without --admin the instance at http.admin of the file is
asked, if one answers there.`,
		Example: `  deskstream status -c deskstream.yaml
  deskstream status -c deskstream.yaml --admin http://10.0.0.7:9401 --admin http://10.0.0.8:9401
  deskstream status --json | jq '.data.destinations[] | {name, lag}'`,
		Args: cobra.NoArgs,
	}
	path, as := configFlag(cmd), a.formatFlags(cmd, "status")
	names := cmd.Flags().StringSlice("destination", nil, "show this destination only (repeatable)")
	admins := cmd.Flags().StringArray("admin", nil, "ask the instance whose admin listener has this `URL` (repeatable)")
	over := cmd.Flags().Duration("over", 5*time.Second, "the time over which rates are measured")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *over < time.Second {
			return &config.FlagError{Err: errors.New("--over takes a second at least")}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		chosen, err := wiring.Choose(cfg, *names)
		if err != nil {
			return &config.FlagError{Err: err}
		}
		urls := make([]string, len(*admins))
		for i, flag := range *admins {
			instance, err := a.instance(flag, *path)
			if err != nil {
				return err
			}
			urls[i] = instance.URL()
		}
		guessed := len(urls) == 0
		if guessed {
			if instance, err := service.InstanceOf(*path, cfg); err == nil {
				urls = []string{instance.URL()}
			}
		}
		began := time.Now()
		stop := output.Progress(a.stderr, func() string {
			return fmt.Sprintf("measuring rates, %s of %s", output.Roughly(time.Since(began)), output.Roughly(*over))
		})
		report, err := status.TakeReport(cmd.Context(), status.Options{Config: cfg, Log: a.log, Destinations: chosen, Instances: urls, Over: *over})
		stop()
		if err != nil {
			return err
		}
		if guessed && len(report.Instances) == 1 && report.Instances[0].Error != "" {
			report.Instances = []status.Instance{} // nobody said that one is there
		}
		if err := as.print(report, report.Text); err != nil {
			return err
		}
		return failedInstances(report)
	}
	return cmd
}

// failedInstances is the error of instances that were named and do not answer.
func failedInstances(r status.Report) error {
	failed := 0
	for _, i := range r.Instances {
		if i.Error != "" {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s did not answer: check the addresses of --admin", output.Count(failed, "instance"))
	}
	return nil
}
