package main

import (
	"os/exec"
	"strings"
	"testing"
)

// Go's own tests build from the whole repository, the image only from what is copied.
func TestStack_theImageIsBuiltFromAllPackagesThatTheProgramNeeds(t *testing.T) {
	t.Parallel()
	const module = "github.com/deskstream/deskstream/"
	list, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	copied := map[string]bool{}
	for line := range strings.Lines(readFile(t, dockerfile)) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "COPY" && words[1] == words[2] {
			copied[words[1]] = true
		}
	}
	allowed := map[string]bool{}
	for line := range strings.Lines(readFile(t, repository+"/.dockerignore")) {
		if dir, is := strings.CutPrefix(strings.TrimSpace(line), "!"); is {
			allowed[dir] = true
		}
	}
	found := 0
	for path := range strings.Lines(string(list)) {
		dir, ours := strings.CutPrefix(strings.TrimSpace(path), module)
		if !ours {
			continue
		}
		found++
		if top, _, _ := strings.Cut(dir, "/"); !copied[top] && !copied[dir] || !allowed[top] && !allowed[dir] {
			t.Errorf("package %s is not in the image's build: copy it in deploy/Dockerfile and allow it in .dockerignore", dir)
		}
	}
	if found < 10 {
		t.Errorf("only %d packages of ours were found", found)
	}
}
