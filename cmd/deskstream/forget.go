package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/forget"
)

func newForgetCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "forget --user ID -c FILE",
		Short: "Removes what Kafka keeps of a person, and says what stays",
		Long: `forget removes the keys of a person's tickets and what export copied of the person: it
writes a tombstone for each record, which running instances and readers of the topics
follow. It lists the topics that keep the rest until their retention ends: source,
responses, dead letters and what receive wrote.

ID is the value of the person's lane: the user id, and in another call each anonymous id.
Contacts that were exported are found by it where it is an external id or an e-mail
address of theirs; in another call, <destination>/contact/<id> names one by the desk's
id. With a contact go its tickets, their comments and attachments, and its objects.

The help desks keep what they have: delete the person there first, or the next walk of
export copies it again. So may an event that is delivered afterwards write a key again.`,
		Example: `  deskstream forget --user u-7 -c deskstream.yaml
  deskstream forget --user ann@example.com -c deskstream.yaml
  deskstream forget --user support-inbox/contact/1234 -c deskstream.yaml`,
		Args: cobra.NoArgs,
	}
	path, as := configFlag(cmd), a.formatFlags(cmd, "forget")
	user := cmd.Flags().String("user", "", "the `ID` of the person")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *user == "" {
			return &config.FlagError{Err: errors.New("--user is missing: say whom to forget")}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		return forget.Run(cmd.Context(), forget.Options{Config: cfg, Log: a.log, User: *user, Out: a.stdout, JSON: as.json()})
	}
	return cmd
}
