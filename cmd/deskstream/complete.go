package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// completions are the words that a flag takes, by its name, wherever they are the same for all
// commands.
func completions() map[string][]string {
	return map[string][]string{
		"log-level":  {"debug", "info", "warn", "error"},
		"log-format": {"text", "json"},
		"class":      texts(sink.Classes()),
		"code":       texts(sink.Codes()),
		"type":       mapping.Types(),
		"dialect":    {"deskstream", "connect", "spring", "kip1191", "xoriginal", "streams"},
	}
}

func texts[T ~string](words []T) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	return list
}

// addCompletions completes the flags of all commands, destinations by the configuration's, and the
// argument of hold and resume.
func (a *app) addCompletions(root *cobra.Command) {
	fixed := completions()
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for name, words := range fixed {
			if cmd.Flags().Lookup(name) != nil || cmd.PersistentFlags().Lookup(name) != nil {
				_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
			}
		}
		for _, name := range []string{"destination", "to"} {
			if cmd.Flags().Lookup(name) != nil {
				_ = cmd.RegisterFlagCompletionFunc(name, a.completeDestination)
			}
		}
		if strings.Contains(cmd.Use, " DESTINATION") {
			cmd.ValidArgsFunction = a.completeDestination
		}
		for _, child := range cmd.Commands() {
			visit(child)
		}
	}
	visit(root)
}

// completeDestination lists the destinations of the configuration that the command line names.
func (a *app) completeDestination(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const nothing = cobra.ShellCompDirectiveNoFileComp
	path := cmd.Flag("config")
	if path == nil || path.Value.String() == "-" || len(args) > 0 {
		return nil, nothing
	}
	cfg, err := a.loadConfig(path.Value.String())
	if err != nil {
		return nil, nothing
	}
	return cfg.DestinationNames(), nothing
}
