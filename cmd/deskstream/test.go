package main

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/testfile"
)

func newTestCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test FILE... [-c FILE]",
		Short: "Tests rules and mappings against events and what is expected of them",
		Long: `test plans the events of each FILE as plan --offline does and compares what comes with what
the file expects: outcome, reason, rule, calls and their bodies. It opens no connection.
What a help desk would answer, and which keys are on record, a test can say itself.

The configuration is that of -c, else the one that FILE names, else the default. Variables
and secret files that it reads can stand in FILE, so that no secret is needed.

--show prints what comes, in the form of expect: to write a test, run it and copy.`,
		Example: `  deskstream test orders.test.yaml
  deskstream test -c deskstream.yaml tests/*.yaml --run 'payment'
  deskstream test orders.test.yaml --show`,
		Args: cobra.MinimumNArgs(1),
	}
	path := configFlag(cmd)
	pattern := cmd.Flags().String("run", "", "run only the tests whose name matches this regular `expression`")
	show := cmd.Flags().Bool("show", false, "print for each test what comes of its events")
	as := a.formatFlags(cmd, "test")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o := testfile.Options{Env: a.getenv, Log: a.log, Show: *show}
		if *pattern != "" {
			only, err := regexp.Compile(*pattern)
			if err != nil {
				return &config.FlagError{Err: fmt.Errorf("--run: %w", err)}
			}
			o.Only = only
		}
		o.Load = func(named string, env config.LookupFunc) (*config.Config, error) {
			if *path != "" || named == "" {
				named = *path
			}
			return a.loadConfigWith(named, env)
		}
		report := &testfile.Report{Files: []testfile.FileReport{}}
		for _, arg := range args {
			f, err := testfile.Load(cmd.Context(), arg)
			if err == nil {
				err = report.Run(cmd.Context(), f, o)
			}
			if err != nil {
				return usageUnlessProblems(err)
			}
		}
		switch {
		case report.Passed+report.Failed == 0:
			return &config.FlagError{Err: errors.New("--run matches no test")}
		case *show && as.json():
			return &config.FlagError{Err: errors.New("--show prints text: leave out -o json")}
		}
		if err := as.print(report, report.Text); err != nil {
			return err
		}
		if report.Failed > 0 {
			return &exitError{Code: exitFault}
		}
		return nil
	}
	return cmd
}

// usageUnlessProblems marks an error as one of the command's input, unless it is known as such.
func usageUnlessProblems(err error) error {
	if _, ok := errors.AsType[*config.Problems](err); ok {
		return err
	}
	if _, ok := errors.AsType[*config.FlagError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*config.UsageError](err); ok {
		return err
	}
	return &config.UsageError{Err: err}
}
