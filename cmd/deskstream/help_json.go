package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/deskstream/deskstream/internal/output"
)

// helpDocument is a command as programs read its help.
type helpDocument struct {
	Command  string         `json:"command"`
	Use      string         `json:"use"`
	Short    string         `json:"short"`
	Long     string         `json:"long"`
	Example  string         `json:"example"`
	Hidden   bool           `json:"hidden,omitempty"`
	Flags    []helpFlag     `json:"flags"`
	Exits    []helpExit     `json:"exit_codes"`
	Commands []helpDocument `json:"commands,omitempty"`
}

type helpFlag struct {
	Name    string `json:"name"`
	Short   string `json:"short,omitempty"`
	Type    string `json:"type"`
	Default string `json:"default"`
	Usage   string `json:"usage"`
}

type helpExit struct {
	Code    int    `json:"code"`
	Meaning string `json:"meaning"`
}

// wantsHelpJSON takes --json away from arguments that ask for help as JSON: few commands have that
// flag of their own.
func wantsHelpJSON(args []string) ([]string, bool) {
	own := args
	if end := slices.Index(args, "--"); end >= 0 {
		own = args[:end]
	}
	if !slices.Contains(own, "--json") || !slices.Contains(own, "--help") && !slices.Contains(own, "-h") {
		return args, false
	}
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--json" }), true
}

// helpAsJSON makes help print a document of the command and those below it.
func (a *app) helpAsJSON(root *cobra.Command) {
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		_ = output.WriteDocument(a.stdout, "help", helpOf(cmd)) // the reader went away
	})
}

func helpOf(cmd *cobra.Command) helpDocument {
	long, _, _ := strings.Cut(cmd.Long, "\n\nExit codes:")
	h := helpDocument{
		Command: cmd.CommandPath(), Use: cmd.UseLine(), Short: cmd.Short, Long: long, Example: cmd.Example, Hidden: cmd.Hidden,
		Flags: []helpFlag{},
	}
	add := func(f *pflag.Flag) {
		h.Flags = append(h.Flags, helpFlag{f.Name, f.Shorthand, f.Value.Type(), f.DefValue, f.Usage})
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	for _, e := range exitsOf(path) {
		h.Exits = append(h.Exits, helpExit{e.code, e.meaning})
	}
	for _, child := range cmd.Commands() {
		h.Commands = append(h.Commands, helpOf(child))
	}
	return h
}
