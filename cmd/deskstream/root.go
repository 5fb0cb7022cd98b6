package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/file"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/version"
)

// app is what the commands have in common: the world that they run in.
type app struct {
	getenv config.LookupFunc
	stdin  io.Reader
	stdout io.Writer // data
	stderr io.Writer // diagnostics
	log    *slog.Logger
	// level is that of log, levelGiven whether a flag has set it.
	level      slog.LevelVar
	levelGiven bool
	// stdinTaken reports whether standard input was the configuration, so that it can hold
	// no events.
	stdinTaken bool
}

// exitError ends the program with a code of its own. A nil Err prints nothing.
type exitError struct {
	Code int
	Err  error
}

func (e *exitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

func (e *exitError) Unwrap() error { return e.Err }

// streams are what a program reads and writes besides files.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run is the program: it runs the command that args name and gives its exit code.
func run(ctx context.Context, args []string, getenv config.LookupFunc, s streams) int {
	stdout, stderr := output.Writer{To: s.out}, output.Writer{To: s.err}
	a := &app{getenv: getenv, stdin: s.in, stdout: stdout, stderr: stderr, log: slog.New(slog.DiscardHandler)}
	started := false
	root := newRootCommand(a, &started)
	args, asJSON := wantsHelpJSON(args)
	if asJSON {
		a.helpAsJSON(root)
	}
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !started {
		err = &config.FlagError{Err: err} // cobra found the arguments wrong before any code of ours ran
	}
	return report(stderr, cmd, err)
}

// report prints the error of a command and gives the exit code for it.
func report(stderr io.Writer, cmd *cobra.Command, err error) int {
	if err == nil {
		return exitOK
	}
	if wrong, ok := errors.AsType[*config.FlagError](err); ok {
		fmt.Fprintf(stderr, "Error: %s\nRun '%s --help' for usage.\n", output.Error(wrong.Err), cmd.CommandPath())
		return exitUsage
	}
	if wrong, ok := errors.AsType[*config.UsageError](err); ok {
		fmt.Fprintf(stderr, "Error: %s\n", output.Error(wrong.Err))
		return exitUsage
	}
	if own, ok := errors.AsType[*exitError](err); ok {
		if own.Err != nil {
			fmt.Fprintf(stderr, "Error: %s\n", output.Error(own.Err))
		}
		return own.Code
	}
	if problems, ok := errors.AsType[*config.Problems](err); ok {
		fmt.Fprintf(stderr, "%s\nError: %s is refused: %s\n", output.Lines(problems.Error(), "\n"), problems.File, output.Count(len(problems.List), "problem"))
		return exitUsage
	}
	fmt.Fprintf(stderr, "Error: %s\n", output.Error(err))
	return exitFault
}

func newRootCommand(a *app, started *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "deskstream",
		Short: "Turns customer events from Kafka into help-desk work",
		Long: `deskstream reads customer events (RudderStack and Segment specification) from
Kafka, turns each into API calls for help desks and delivers them.`,
		Example: `  deskstream demo
  deskstream check -c deskstream.yaml
  deskstream run -c deskstream.yaml`,
		Version:       version.Line(),
		SilenceErrors: true, // report prints them
		SilenceUsage:  true,
	}
	var format, level string
	root.PersistentFlags().StringVar(&format, "log-format", "", "text or json (default: text on a terminal, else json)")
	root.PersistentFlags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		log, err := a.newLogger(format, level)
		if err != nil {
			return err
		}
		*started, a.log, a.levelGiven = true, log, root.PersistentFlags().Changed("log-level")
		return nil
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(commands(a)...)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	addExamples(root)
	a.addCompletions(root)
	addExits(root)
	refuseUnknown(root)
	return root
}

// addExamples gives the commands that cobra brings an example too.
func addExamples(cmd *cobra.Command) {
	examples := map[string]string{
		"help":       "  deskstream help deliver",
		"completion": "  deskstream completion bash > /etc/bash_completion.d/deskstream",
		"bash":       "  source <(deskstream completion bash)",
		"zsh":        "  deskstream completion zsh > \"${fpath[1]}/_deskstream\"",
		"fish":       "  deskstream completion fish | source",
		"powershell": "  deskstream completion powershell | Out-String | Invoke-Expression",
	}
	if cmd.Example == "" {
		cmd.Example = examples[cmd.Name()]
	}
	for _, child := range cmd.Commands() {
		addExamples(child)
	}
}

// refuseUnknown makes a command that only has subcommands refuse any other word. By
// itself cobra prints its help and succeeds, and a script goes on.
func refuseUnknown(cmd *cobra.Command) {
	for _, child := range cmd.Commands() {
		refuseUnknown(child)
	}
	if cmd.Runnable() || !cmd.HasParent() || !cmd.HasSubCommands() {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		advice := ""
		cmd.SuggestionsMinimumDistance = 2
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			advice = "; did you mean " + near[0] + "?"
		}
		return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), advice)
	}
}

// newLogger makes the logger that the flags ask for.
func (a *app) newLogger(format, level string) (*slog.Logger, error) {
	w := a.stderr
	switch level {
	case "debug", "info", "warn", "error":
		a.level.Set(config.Log{Level: level}.Slog())
	default:
		return nil, fmt.Errorf("--log-level must be debug, info, warn or error, not %q", level)
	}
	options := slog.HandlerOptions{Level: &a.level}
	switch {
	case format == "text", format == "" && output.IsTerminal(w):
		return slog.New(slog.NewTextHandler(w, &options)), nil
	case format == "json", format == "":
		return slog.New(slog.NewJSONHandler(w, &options)), nil
	}
	return nil, fmt.Errorf("--log-format must be text or json, not %q", format)
}

// configFlag adds -c to a command.
func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", "", "the configuration `file`, - for standard input (default: $DESKSTREAM_CONFIG, then ./deskstream.yaml)")
}

// The configuration without -c.
const (
	configVariable = "DESKSTREAM_CONFIG"
	configDefault  = "deskstream.yaml"
)

// configPath returns the configuration that a command takes when its flag has path.
func (a *app) configPath(path string) (string, error) {
	if path != "" {
		return path, nil
	}
	if named, ok := a.getenv(configVariable); ok && named != "" {
		return named, nil
	}
	if _, err := os.Stat(configDefault); err != nil {
		return "", &config.FlagError{Err: fmt.Errorf("no configuration: give -c FILE, set %s, or put %s into this directory", configVariable, configDefault)}
	}
	return configDefault, nil
}

// loadConfig reads the file that -c names, or that takes its place.
func (a *app) loadConfig(path string) (*config.Config, error) {
	return a.loadConfigWith(path, a.getenv)
}

// loadConfigWith is loadConfig in another environment.
func (a *app) loadConfigWith(path string, env config.LookupFunc) (*config.Config, error) {
	path, err := a.configPath(path)
	if err != nil {
		return nil, err
	}
	c, err := a.readConfig(path, env)
	if err != nil {
		if _, ok := errors.AsType[*config.Problems](err); !ok {
			err = &config.UsageError{Err: err}
		}
		return nil, err
	}
	return c, nil
}

// reloadFrom returns what reads the configuration again that -c names, nil for standard input.
func (a *app) reloadFrom(path string) func() (*config.Config, error) {
	path, err := a.configPath(path)
	if err != nil || path == "-" {
		return nil
	}
	return func() (*config.Config, error) { return config.Load(path, a.getenv) }
}

func (a *app) readConfig(path string, env config.LookupFunc) (*config.Config, error) {
	if path != "-" {
		return config.Load(path, env)
	}
	a.stdinTaken = true
	src, err := io.ReadAll(io.LimitReader(a.stdin, file.MaxSmall+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the configuration from standard input: %w", err)
	case len(src) > file.MaxSmall:
		return nil, errors.New("reading the configuration from standard input: it is larger than 1 MiB")
	}
	return config.Parse("standard input", src, env)
}

// openEvents opens the file that args name, or standard input for none or "-".
func (a *app) openEvents(args []string) (io.ReadCloser, error) {
	if len(args) == 0 || args[0] == "-" {
		if a.stdinTaken {
			return nil, &config.FlagError{Err: errors.New("standard input is the configuration already: name a file with the events")}
		}
		return io.NopCloser(a.stdin), nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, &config.UsageError{Err: fmt.Errorf("opening the events: %w", err)}
	}
	return f, nil
}
