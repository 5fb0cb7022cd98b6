package release_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	goreleaser "github.com/goreleaser/goreleaser/v2/pkg/config"
)

const repository = "../.."

// What goreleaser itself would refuse: a key that it does not know, or a value of another type.
// What is built with it is make release-check, which takes minutes.
func project(t *testing.T) goreleaser.Project {
	t.Helper()
	project, err := goreleaser.Load(filepath.Join(repository, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestRelease_goreleaserTakesItsConfiguration(t *testing.T) {
	p := project(t)
	if len(p.Builds) != 1 || len(p.Archives) != 1 || len(p.NFPMs) != 1 || len(p.DockersV2) != 1 || len(p.SBOMs) != 1 {
		t.Errorf("it has %d builds, %d archives, %d packages, %d images and %d SBOMs, want one of each",
			len(p.Builds), len(p.Archives), len(p.NFPMs), len(p.DockersV2), len(p.SBOMs))
	}
}

func TestRelease_everyFileOfItIsThere(t *testing.T) {
	p := project(t)
	paths := []string{p.DockersV2[0].Dockerfile, p.Before.Hooks[0]}
	for _, file := range p.Archives[0].Files {
		paths = append(paths, file.Source)
	}
	for _, content := range p.NFPMs[0].Contents {
		paths = append(paths, content.Source)
	}
	for _, path := range paths {
		if path == "" || strings.HasPrefix(path, "bin/release/") { // a directory; what prepare.sh makes
			continue
		}
		if found, err := filepath.Glob(filepath.Join(repository, path)); err != nil || len(found) == 0 {
			t.Errorf("%s is not there", path)
		}
	}
}

// The same commit gives the same bytes: nothing in a release is of the time or place of its making.
func TestRelease_nothingIsOfTheMachineThatBuilds(t *testing.T) {
	p := project(t)
	build := p.Builds[0]
	if !slices.Contains(build.Flags, "-trimpath") || !slices.Contains(build.Env, "CGO_ENABLED=0") || build.ModTimestamp != "{{ .CommitTimestamp }}" {
		t.Errorf("the build has flags %q, variables %q and the time %q", build.Flags, build.Env, build.ModTimestamp)
	}
	const commit = "{{ .CommitDate }}"
	for _, file := range p.Archives[0].Files {
		if file.Info.MTime != commit {
			t.Errorf("%s is put into archives with the time %q, not that of the commit", file.Source, file.Info.MTime)
		}
	}
	if got := p.Archives[0].BuildsInfo.MTime; got != commit {
		t.Errorf("the binary is put into archives with the time %q", got)
	}
	if got := p.NFPMs[0].MTime; got != commit {
		t.Errorf("packages have the time %q", got)
	}
}

// A release is linked as make build links, with the version besides.
func TestRelease_isBuiltAsTheMakefileBuilds(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(makefile), "CGO_ENABLED=0 go build -trimpath -ldflags=-w -o deskstream ./cmd/deskstream") {
		t.Error("make build has other flags: change those of .goreleaser.yaml and reproducible.sh too")
	}
	if got := strings.Join(project(t).Builds[0].Ldflags, " "); !strings.HasPrefix(got, "-w -X github.com/deskstream/deskstream/internal/version.release=v{{ .Version }}") {
		t.Errorf("a release is linked with %q", got)
	}
}
