package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mattn/go-shellwords"
)

var (
	codeInALine = regexp.MustCompile("`(deskstream [^`\n]+)`")
	// The program where a shell expects a command.
	calledInALine = regexp.MustCompile(`(?:^\s*(?:\$ )?|[|;&(]\s*|\b(?:do|if|until|while|then|sudo|time) |exec (?:-T )?\w+ /|\./cmd/)(?:\w+=\S+ )*(?:\./|/)?deskstream(?:-new)? (.*)`)
	// What a shell does not hand to the program: comments and redirections.
	notHanded = regexp.MustCompile(`(?:^|\s)(?:#.*|\d?[<>].*)$`)
	// What stands for a word of the reader's: NAME, [EVENTS].
	placeholder = regexp.MustCompile(`^\[?[A-Z][A-Z_-]+\]?$`)
	// Messages of the log and of Docker.
	messages = []string{"deskstream starts", "deskstream is ready", "deskstream is unhealthy"}
)

// shown are the words of every call of the program that a page shows, by the line.
func shown(page string) map[string][]string {
	calls := make(map[string][]string)
	add := func(line string) {
		line = notHanded.ReplaceAllString(line, "")
		words, err := shellwords.Parse(line) // ends at a pipe or a second command
		if err == nil && len(words) > 0 && words[0] != "()" && !slices.Contains(words, "--help") {
			calls[line] = words
		}
	}
	language, inFence := "", false
	for line := range strings.Lines(strings.ReplaceAll(page, "\\\n", " ")) {
		line = strings.TrimSuffix(line, "\n")
		if fence, ok := strings.CutPrefix(strings.TrimSpace(line), "```"); ok {
			inFence = !inFence
			language, _, _ = strings.Cut(fence, " ")
			continue
		}
		commands := inFence && (language == "sh" || language == "console") || !inFence && strings.HasPrefix(line, "    ")
		if called := calledInALine.FindStringSubmatch(line); commands && called != nil {
			add(strings.TrimSpace(called[1]))
		}
		for _, m := range codeInALine.FindAllStringSubmatch(line, -1) {
			if !inFence && !slices.Contains(messages, m[1]) {
				add(strings.TrimPrefix(m[1], "deskstream "))
			}
		}
	}
	return calls
}

// Every call of the program that a page shows is one that the program takes: its command,
// its flags with values of their type, and the number of its arguments.
func TestDocs_everyCallThatAPageShowsIsTaken(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../docs/alerts/*.md")
	if err != nil {
		t.Fatal(err)
	}
	paths = append(append(docsPages(t), paths...), "../../CONTRIBUTING.md")
	seen := 0
	for _, path := range paths {
		for line, words := range shown(readFile(t, path)) {
			seen++
			if err := takes(words); err != nil {
				t.Errorf("%s: deskstream %s: %v", filepath.Base(path), line, err)
			}
		}
	}
	if seen < 150 {
		t.Errorf("the pages show only %d calls", seen)
	}
}

// takes reports why the program would refuse the words for what they are, before it does anything.
func takes(words []string) error {
	a := &app{stdin: strings.NewReader(""), stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}
	root := newRootCommand(a, new(bool))
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if cmd.HasSubCommands() && len(rest) > 0 && placeholder.MatchString(rest[0]) {
		return nil // dlq COMMAND -c FILE
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	args := cmd.Flags().Args()
	if len(args) == 0 {
		return nil // the text only names the command
	}
	return cmd.ValidateArgs(args)
}

// Filters of dead letters name codes and classes that there are.
func TestDocs_everyCodeThatAPageFiltersByExists(t *testing.T) {
	t.Parallel()
	codes := readFile(t, "../../docs/codes.md")
	filter := regexp.MustCompile(`--(code|class) ([a-z][a-z0-9_]*)`)
	seen := 0
	for _, path := range docsPages(t) {
		for _, m := range filter.FindAllStringSubmatch(readFile(t, path), -1) {
			seen++
			if !strings.Contains(codes, "\n| `"+m[2]+"` |") {
				t.Errorf("%s filters by the %s %s, which docs/codes.md does not have", path, m[1], m[2])
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d filters found", seen)
	}
}
