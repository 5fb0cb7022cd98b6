package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/deskstream/deskstream/internal/config"
)

// confirm asks a person whether to go on, and is an error unless the answer is yes. Where nobody can
// be asked it names --yes.
func (a *app) confirm(question string) error {
	if in, ok := a.stdin.(*os.File); !ok || !term.IsTerminal(int(in.Fd())) {
		return &config.FlagError{Err: fmt.Errorf("%s standard input is no terminal to ask at: give --yes", question)}
	}
	fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(a.stdin).ReadString('\n') // without an answer nobody has said yes
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("not confirmed, nothing was changed")
}
