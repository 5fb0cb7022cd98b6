package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
	// exitDead and exitMissing are of commands that looked at events and found what is not well.
	exitDead    = 3
	exitMissing = 3
	exitRestart = 3
)

// exit is what an exit code of a command means.
type exit struct {
	// command is its path below the program, empty for all that do not say otherwise.
	command string
	code    int
	meaning string
}

// exits is the one list of exit codes: the help of the commands and the table of
// docs/operations.md are made from it.
var exits = []exit{
	{"", exitOK, "success"},
	{"", exitFault, "an error, described on standard error"},
	{"", exitUsage, "wrong arguments or configuration"},
	{"run", exitOK, "stopped by SIGTERM or SIGINT"},
	{"receive", exitOK, "stopped by SIGTERM or SIGINT"},
	{"check", exitFault, "an error, or --connect found something that failed"},
	{"check", exitRestart, "--diff found something that a reload does not take"},
	{"deliver", exitOK, "all events were delivered or skipped"},
	{"deliver", exitFault, "an error, or events are still open: standard error lists their ids"},
	{"deliver", exitDead, "some events died"},
	{"test", exitOK, "all tests passed"},
	{"test", exitFault, "an error, or some tests failed: they are listed"},
	{"dlq plan", exitFault, "an error, or the plan is incomplete: --continue completes it"},
	{"dlq apply", exitOK, "all letters that the plan sends are delivered or settled"},
	{"dlq apply", exitFault, "an error, or some letters are not: standard error gives the reasons"},
	{"audit", exitOK, "no outcome is missing; repeats of the same outcome are counted"},
	{"audit", exitMissing, "some outcomes are missing or differ: they are listed"},
	{"export", exitOK, "all lists were walked to their end, or it was stopped between walks that repeat"},
	{"export", exitFault, "an error, or some lists were not walked to their end: the next walk goes on"},
	{"produce", exitFault, "an error, or some lines were refused: standard error names them"},
	{"demo", exitOK, "all events are accounted for"},
	{"demo", exitFault, "an error, or some events are not accounted for"},
	{"health", exitOK, "the response is a 2xx"},
	{"health", exitFault, "an error, or another response: standard error shows it"},
}

// addExits adds the exit codes to the help of every command.
func addExits(root *cobra.Command) {
	for _, e := range exits {
		if _, _, err := root.Find(strings.Fields(e.command)); err != nil {
			panic("exit code of a command that does not exist: " + err.Error())
		}
	}
	addExitsTo(root)
}

func addExitsTo(cmd *cobra.Command) {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	if cmd.Long == "" {
		cmd.Long = cmd.Short
	}
	cmd.Long += "\n\nExit codes:"
	for _, of := range exitsOf(path) {
		cmd.Long += fmt.Sprintf("\n  %d  %s", of.code, of.meaning)
	}
	for _, child := range cmd.Commands() {
		addExitsTo(child)
	}
}

// exitsOf returns the exit codes of a command in their order, those of all commands included.
func exitsOf(command string) []exit {
	var list []exit
	for code := exitOK; code <= exitDead; code++ {
		var found *exit
		for i, e := range exits {
			if e.code == code && (e.command == command || e.command == "" && found == nil) {
				found = &exits[i]
			}
		}
		if found != nil {
			list = append(list, *found)
		}
	}
	return list
}
