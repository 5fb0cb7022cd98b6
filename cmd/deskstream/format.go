package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/output"
)

// word is the value of a flag that takes one of some words.
type word struct {
	text  string
	words []string
}

func (w *word) String() string { return w.text }

func (w *word) Type() string { return strings.Join(w.words, "|") }

func (w *word) Set(text string) error {
	if !slices.Contains(w.words, text) {
		return fmt.Errorf("it is one of %s", strings.Join(w.words, ", "))
	}
	w.text = text
	return nil
}

// format is the form in which a command prints data.
type format struct {
	a     *app
	kind  string
	form  word
	short bool
}

// formatFlags adds -o text|json, and --json for short, to a command whose JSON is a document of a
// kind.
func (a *app) formatFlags(cmd *cobra.Command, kind string) *format {
	f := &format{a: a, kind: kind, form: word{"text", []string{"text", "json"}}}
	cmd.Flags().VarP(&f.form, "output", "o", "how to print: text, or json for one document with schema, kind and data")
	cmd.Flags().BoolVar(&f.short, "json", false, "the same as -o json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(f.form.words, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return f
}

// json reports whether JSON is asked for.
func (f *format) json() bool { return f.short || f.form.text == "json" }

// document prints data as a document where JSON is asked for: the text was printed as the work went on.
func (f *format) document(data any) error {
	if !f.json() {
		return nil
	}
	return output.WriteDocument(f.a.stdout, f.kind, data)
}

// print prints data as a document, or the text of it.
func (f *format) print(data any, text func() string) error {
	if f.json() {
		return output.WriteDocument(f.a.stdout, f.kind, data)
	}
	_, err := io.WriteString(f.a.stdout, text())
	return err
}
