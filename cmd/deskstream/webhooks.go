package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/internal/hooks"
	"github.com/deskstream/deskstream/internal/output"
)

func newWebhooksCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Shows and makes the registrations of webhooks at the help desks",
		Long: `webhooks compares what is registered at the help desks with what the file wants: the
webhooks.events of each destination, sent to inbound.public_url. It touches nothing that
has another address, and removes nothing.`,
		Example: `  deskstream webhooks plan -c deskstream.yaml
  deskstream webhooks apply -c deskstream.yaml --destination crm`,
	}
	cmd.AddCommand(newWebhooksList(a), newWebhooksPlan(a), newWebhooksApply(a))
	return cmd
}

func newWebhooksList(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list -c FILE",
		Short: "Lists the registrations at the desks, and those that are missing",
		Long: `list shows every registration of the accounts, with its state: registered, off (the desk
sends nothing), differs (it sends other events), missing, extra (at an address of this
file, but not wanted), foreign (at another address). Secrets are not shown.`,
		Example: `  deskstream webhooks list -c deskstream.yaml`,
		Args:    cobra.NoArgs,
	}
	look, as := a.webhooks(cmd), a.formatFlags(cmd, "webhooks.list")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		_, rows, err := look(cmd.Context())
		if err != nil {
			return err
		}
		return as.print(hooksOf(rows), hooksText(rows))
	}
	return cmd
}

func newWebhooksPlan(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan -c FILE",
		Short: "Shows what apply would change",
		Long: `plan shows the registrations that apply would make, change or switch on, and what keeps it
from that. It changes nothing.`,
		Example: `  deskstream webhooks plan -c deskstream.yaml`,
		Args:    cobra.NoArgs,
	}
	look, as := a.webhooks(cmd), a.formatFlags(cmd, "webhooks.plan")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o, rows, err := look(cmd.Context())
		if err != nil {
			return err
		}
		if err := hooks.Check(o, rows); err != nil {
			return &config.UsageError{Err: err}
		}
		changes := slices.DeleteFunc(rows, func(r hooks.Row) bool { return !r.Changes() })
		if len(changes) == 0 && !as.json() {
			fmt.Fprintln(a.stderr, "Nothing is to be changed.")
			return nil
		}
		return as.print(hooksOf(changes), hooksText(changes))
	}
	return cmd
}

func newWebhooksApply(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "apply -c FILE",
		Short: "Makes what is missing, and switches on what the desk switched off",
		Long: `apply makes the registrations that are missing, changes those that differ, and switches on
those that the desk switched off. The secret of each goes to webhooks.secrets_file, with
mode 0600, from where receive reads it. Start receive first: from then on the desks send.

What a desk did not send while it was switched off never comes by webhook. Of destinations
with export.entities it is read from the desk's lists: as export does, and only what the
desk sends by webhook.`,
		Example: `  deskstream webhooks apply -c deskstream.yaml
  deskstream webhooks apply -c deskstream.yaml --catch-up=false`,
		Args: cobra.NoArgs,
	}
	look, as := a.webhooks(cmd), a.formatFlags(cmd, "webhooks.apply")
	catchUp := cmd.Flags().Bool("catch-up", true, "then read from the desks' lists what they did not send while they were switched off")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o, rows, err := look(cmd.Context())
		if err != nil {
			return err
		}
		if err := hooks.Check(o, rows); err != nil {
			return &config.UsageError{Err: err}
		}
		var changed []hooks.Row
		var off []string
		err = hooks.Apply(cmd.Context(), o, rows, func(r hooks.Row) {
			changed = append(changed, r)
			if r.State == hooks.Off && !slices.Contains(off, r.Destination) {
				off = append(off, r.Destination)
			}
			if !as.json() {
				output.Printf(a.stdout, "%s: %s %s\n", r.Destination, strings.Join(r.Events, ","), r.URL)
			}
		})
		fmt.Fprintf(a.stderr, "%s changed.\n", output.Count(len(changed), "registration"))
		if wrong := as.document(changedOf(changed)); err == nil {
			err = wrong
		}
		if err != nil || len(off) == 0 {
			return err
		}
		return hooks.CatchUp(cmd.Context(), export.Options{Config: o.Config, Log: a.log, Notes: a.stderr}, off, *catchUp)
	}
	return cmd
}

// webhooks adds the flags of the commands, and returns what reads the registrations.
func (a *app) webhooks(cmd *cobra.Command) func(context.Context) (hooks.Options, []hooks.Row, error) {
	path := configFlag(cmd)
	names := cmd.Flags().StringSlice("destination", nil, "look at this destination only (repeatable)")
	return func(ctx context.Context) (hooks.Options, []hooks.Row, error) {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return hooks.Options{}, nil, err
		}
		return hooks.Look(ctx, cfg, *names, a.log)
	}
}

// shownHook is a registration in a document.
type shownHook struct {
	Destination string   `json:"destination"`
	State       string   `json:"state"`
	ID          string   `json:"id,omitempty"`
	Events      []string `json:"events"`
	URL         string   `json:"url"`
}

// shownHooks is the data of webhooks list and plan.
type shownHooks struct {
	Registrations []shownHook `json:"registrations"`
}

func hooksOf(rows []hooks.Row) shownHooks {
	list := make([]shownHook, len(rows))
	for i, r := range rows {
		list[i] = shownHook{r.Destination, string(r.State), r.ID, append([]string{}, r.Events...), r.URL}
	}
	return shownHooks{list}
}

// changedHook is a registration that apply has changed.
type changedHook struct {
	Destination string   `json:"destination"`
	Was         string   `json:"was"`
	ID          string   `json:"id"`
	Events      []string `json:"events"`
	URL         string   `json:"url"`
}

// changedHooks is the data of webhooks apply.
type changedHooks struct {
	Changed []changedHook `json:"changed"`
}

func changedOf(rows []hooks.Row) changedHooks {
	list := make([]changedHook, len(rows))
	for i, r := range rows {
		list[i] = changedHook{r.Destination, string(r.State), r.ID, append([]string{}, r.Events...), r.URL}
	}
	return changedHooks{list}
}

// hooksText returns the registrations as a table for people.
func hooksText(rows []hooks.Row) func() string {
	return func() string {
		var b strings.Builder
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "DESTINATION\tSTATE\tID\tEVENTS\tADDRESS")
		for _, r := range rows {
			output.Printf(table, "%s\t%s\t%s\t%s\t%s\n", r.Destination, string(r.State), cmp.Or(r.ID, "-"), strings.Join(r.Events, ","), output.Shown(output.LineOf(r.URL, output.MaxBody)))
		}
		_ = table.Flush() // a strings.Builder takes everything
		return b.String()
	}
}
