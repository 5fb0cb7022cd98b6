package kafkatest_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fetcher is a copy of the script beside a list of two small jars, in an environment
// without Maven.
type fetcher struct {
	t        *testing.T
	dir, bin string
	jars     map[string]string // by their path in a repository
}

// tools are what the script needs to fetch.
var tools = []string{"bash", "cat", "cut", "curl", "dirname", "env", "find", "head", "mkdir", "mktemp", "mv", "rm", "sed", "sha256sum", "shasum"}

func newFetcher(t *testing.T) *fetcher {
	t.Helper()
	dir := t.TempDir()
	f := &fetcher{t: t, dir: dir, bin: filepath.Join(dir, "bin"), jars: map[string]string{
		"org/example/one/1.0/one-1.0.jar":         "first",
		"com/x/two_2.13/2.0-1/two_2.13-2.0-1.jar": "second",
	}}
	text, err := os.ReadFile(kafkaScript)
	if err != nil {
		t.Fatal(err)
	}
	var sums strings.Builder
	for path, content := range f.jars {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256([]byte(content)), path)
	}
	f.write("kafka.sh", string(text))
	f.write("jars.sha256", sums.String())
	if err := os.Mkdir(f.bin, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools {
		if path, err := exec.LookPath(tool); err == nil { // of the last two there may be one
			if err := os.Symlink(path, filepath.Join(f.bin, tool)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return f
}

func (f *fetcher) write(name, content string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o700); err != nil {
		f.t.Fatal(err)
	}
}

// maven makes up an mvn that logs its arguments and the project, and puts a jar with the
// given content at each path.
func (f *fetcher) maven(jars map[string]string) {
	var script strings.Builder
	script.WriteString("#!/usr/bin/env bash\nprintf '%s\\n' \"$@\" >\"$LOG/arguments\"\n")
	script.WriteString("for a in \"$@\"; do [[ $a == -DoutputDirectory=* ]] && out=${a#*=}; [[ $a == */pom.xml ]] && cat \"$a\" >\"$LOG/pom\"; done\n")
	for path, content := range jars {
		fmt.Fprintf(&script, "mkdir -p \"$out/%s\" && printf '%%s' '%s' >\"$out/%s\"\n", filepath.Dir(path), content, path)
	}
	f.write("bin/mvn", script.String())
}

func (f *fetcher) run(env ...string) (stderr string, ok bool) {
	f.t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(f.t.Context()), filepath.Join(f.bin, "bash"), filepath.Join(f.dir, "kafka.sh"), "fetch")
	cmd.Env = append(env, "PATH="+f.bin, "HOME="+f.dir, "XDG_CACHE_HOME="+f.dir+"/cache", "LOG="+f.dir)
	var text strings.Builder
	cmd.Stderr = &text
	err := cmd.Run()
	return text.String(), err == nil
}

// cached returns the jars in the cache by their names, and how many entries the cache has.
func (f *fetcher) cached() (jars map[string]string, entries int) {
	f.t.Helper()
	found, err := filepath.Glob(filepath.Join(f.dir, "cache", "deskstream", "kafka-*", "*"))
	if err != nil {
		f.t.Fatal(err)
	}
	jars = make(map[string]string)
	for _, path := range found {
		content, err := os.ReadFile(path)
		if err != nil {
			f.t.Fatal(err)
		}
		jars[filepath.Base(path)] = string(content)
	}
	all, err := filepath.Glob(filepath.Join(f.dir, "cache", "deskstream", "*"))
	if err != nil {
		f.t.Fatal(err)
	}
	return jars, len(all)
}

func (f *fetcher) checkCached() {
	f.t.Helper()
	jars, entries := f.cached()
	if len(jars) != 2 || jars["one-1.0.jar"] != "first" || jars["two_2.13-2.0-1.jar"] != "second" || entries != 1 {
		f.t.Errorf("the cache has %v and %d entries, want the two jars and nothing else", jars, entries)
	}
}

func TestFetch_throughMaven(t *testing.T) {
	f := newFetcher(t)
	f.maven(f.jars)
	if stderr, ok := f.run(); !ok {
		t.Fatalf("fetch failed: %s", stderr)
	}
	f.checkCached()
	project, err := os.ReadFile(filepath.Join(f.dir, "pom"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<groupId>org.example</groupId><artifactId>one</artifactId><version>1.0</version><exclusions>",
		"<groupId>com.x</groupId><artifactId>two_2.13</artifactId><version>2.0-1</version><exclusions>",
	} {
		if !strings.Contains(string(project), want) {
			t.Errorf("the project lacks %s:\n%s", want, project)
		}
	}
	if err := os.Remove(filepath.Join(f.bin, "mvn")); err != nil {
		t.Fatal(err)
	}
	if stderr, ok := f.run(); !ok {
		t.Errorf("fetching what is there failed without Maven: %s", stderr)
	}
}

func TestFetch_fromTheRepositoryThatIsNamed(t *testing.T) {
	f := newFetcher(t)
	f.maven(nil) // which is not asked
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := f.jars[strings.TrimPrefix(r.URL.Path, "/maven/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(content)) // the script checks it
	}))
	defer server.Close()
	for _, url := range []string{server.URL + "/maven", server.URL + "/maven/"} {
		if stderr, ok := f.run("MAVEN_REPOSITORY=" + url); !ok {
			t.Fatalf("fetch from %s failed: %s", url, stderr)
		}
		f.checkCached()
		if err := os.RemoveAll(filepath.Join(f.dir, "cache")); err != nil {
			t.Fatal(err)
		}
	}
	if stderr, ok := f.run("MAVEN_REPOSITORY=" + server.URL + "/elsewhere"); ok || !strings.Contains(stderr, "/elsewhere failed") {
		t.Errorf("fetch from a wrong path: %v, %s", ok, stderr)
	}
	if _, entries := f.cached(); entries != 0 {
		t.Errorf("%d entries are left in the cache", entries)
	}
}

func TestFetch_withoutMavenSaysWhatToSet(t *testing.T) {
	f := newFetcher(t)
	stderr, ok := f.run()
	if ok || !strings.Contains(stderr, "install Maven") || !strings.Contains(stderr, "MAVEN_REPOSITORY") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("fetch: %v, want one line that says what to do: %s", ok, stderr)
	}
}

func TestFetch_refusesJarsWithAnotherSum(t *testing.T) {
	f := newFetcher(t)
	jars := map[string]string{}
	for path := range f.jars {
		jars[path] = "first"
	}
	f.maven(jars)
	stderr, ok := f.run()
	if ok || !strings.Contains(stderr, "is not what jars.sha256 lists") {
		t.Errorf("fetch of another jar: %v, %s", ok, stderr)
	}
	if _, entries := f.cached(); entries != 0 {
		t.Errorf("%d entries are left in the cache", entries)
	}
}

// The repository names no host of a package registry: whoever runs it chooses.
func TestScript_namesNoRegistry(t *testing.T) {
	text, err := os.ReadFile(kafkaScript)
	if err != nil {
		t.Fatal(err)
	}
	if url := regexp.MustCompile(`https?://[^ ]*`).Find(text); url != nil {
		t.Errorf("the script has the URL %s", url)
	}
}
