package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/output"
)

// wantHarmless looks at what a command printed for people.
func wantHarmless(t *testing.T, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: no UTF-8: %.300q", what, text)
	}
	if !bytes.Equal(output.Safe([]byte(text)), []byte(text)) {
		t.Errorf("%s: a control character is printed: %.300q", what, text)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "FORGED") {
			t.Errorf("%s: a line is forged: %.300q", what, text)
		}
		if len(line) > 24<<10 {
			t.Errorf("%s: a line has %d bytes", what, len(line))
		}
	}
}

// What is not for people must not be changed: shells read the completions.
func TestHarmless_ownTextsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	a := &app{}
	started := false
	root := newRootCommand(a, &started)
	for shell, write := range map[string]func(*bytes.Buffer) error{
		"bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"zsh":  func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
		"pwsh": func(b *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(output.Safe(b.Bytes()), b.Bytes()) {
			t.Errorf("the completion of %s is changed", shell)
		}
	}
	eachCommand(root, func(cmd *cobra.Command) {
		if text := cmd.UsageString() + cmd.Long; string(output.Safe([]byte(text))) != text {
			t.Errorf("the help of %s is changed", cmd.CommandPath())
		}
	})
}

func eachCommand(cmd *cobra.Command, fn func(*cobra.Command)) {
	fn(cmd)
	for _, child := range cmd.Commands() {
		eachCommand(child, fn)
	}
}
