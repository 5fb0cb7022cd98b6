package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/service"
)

func newHoldCommand(a *app) *cobra.Command {
	return newSwitchCommand(a, "hold", &cobra.Command{
		Short: "Stops the calls of one destination",
		Long: `hold stops the calls of one destination: in the instance at --admin at once, and by a record
on the topic of the letters' states in all instances of its group, also in those that start
later. Calls in flight complete, events wait, and none becomes a dead letter because of it.
Only resume ends it.

Without that topic the hold is of the instance at --admin only, until it restarts. -c FILE
finds the address in http.admin, which is right for an instance on this machine that reads
the same file.`,
		Example: `  deskstream hold crm -c deskstream.yaml
  deskstream hold crm --admin http://10.0.0.7:9401`,
	})
}

func newResumeCommand(a *app) *cobra.Command {
	return newSwitchCommand(a, "resume", &cobra.Command{
		Short: "Starts the calls of one destination again",
		Long: `resume ends the hold of one destination: that of a person in all instances, and in the
instance at --admin also one that the breaker or a response of the API began. After a hold of the breaker the
count starts at zero. A hold whose cause is still there begins again with the next call.
A limit that the API has said is used up is waited for anyway.`,
		Example: `  deskstream resume crm -c deskstream.yaml
  deskstream resume crm --admin http://10.0.0.7:9401`,
	})
}

// newSwitchCommand completes hold or resume.
func newSwitchCommand(a *app, verb string, cmd *cobra.Command) *cobra.Command {
	cmd.Use = verb + " DESTINATION [-c FILE] [--admin URL]"
	path, as := configFlag(cmd), a.formatFlags(cmd, verb)
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		choice := ""
		if cfg, err := a.loadConfig(*path); err == nil {
			choice = ": " + strings.Join(cfg.DestinationNames(), ", ")
		}
		return fmt.Errorf("%s takes one destination%s", verb, choice)
	}
	admin := cmd.Flags().String("admin", "", "the `URL` of the instance's admin listener (default: http.admin of the file)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		instance, err := a.instance(*admin, *path)
		if err != nil {
			return err
		}
		turn := instance.Resume
		if verb == "hold" {
			turn = instance.Hold
		}
		said, err := turn(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return as.print(said, func() string { return switchText(verb, said) })
	}
	return cmd
}

// switchText is the answer of an instance for people.
func switchText(verb string, said service.HoldAnswer) string {
	var text strings.Builder
	switch {
	case said.Error != "": // it is so already: a loop over instances goes on
		output.Printf(&text, "%s: %s\n", said.Destination, said.Error)
	case said.Here != "":
		output.Printf(&text, "%s is on hold in this instance, until it is resumed or the instance restarts: %s\n", said.Destination, said.Here)
	case verb == "hold":
		output.Printf(&text, "%s is on hold in all instances until it is resumed\n", said.Destination)
	default:
		output.Printf(&text, "%s is resumed; it was on hold since %s (%s)\n", said.Destination, said.HeldSince, said.Hold)
	}
	return text.String()
}

// instance is the one at the address of --admin, or else of the file.
func (a *app) instance(address, path string) (service.Instance, error) {
	if address != "" {
		i, err := service.InstanceAt(address)
		if err != nil {
			err = &config.FlagError{Err: fmt.Errorf("--admin: %w", err)}
		}
		return i, err
	}
	path, err := a.configPath(path)
	if err != nil {
		return service.Instance{}, &config.FlagError{Err: errors.New("no instance is named: give --admin URL, or -c FILE to find it in http.admin")}
	}
	cfg, err := a.loadConfig(path)
	if err != nil {
		return service.Instance{}, err
	}
	return service.InstanceOf(path, cfg)
}
