package docs_test

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// pages are the texts of all pages by their path below the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/alerts/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	texts := make(map[string]string)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.ToSlash(name)] = string(text)
	}
	if len(texts) < 5 {
		t.Fatalf("only %d pages found", len(texts))
	}
	return texts
}

// goFiles calls fn with every Go file of the repository.
func goFiles(t *testing.T, fn func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root:
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil {
			fn(strings.TrimPrefix(filepath.ToSlash(path), root+"/"), string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	linked  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	// notInSlug is what GitHub leaves out of a heading's anchor.
	notInSlug = regexp.MustCompile(`[^a-z0-9 _-]`)
)

func TestPages_everyRelativeLinkLeadsSomewhere(t *testing.T) {
	texts := pages(t)
	for page, text := range texts {
		for _, m := range linked.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			link, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %q is no link: %v", page, m[1], err)
				continue
			}
			if link.Scheme != "" {
				continue
			}
			target := page
			if link.Path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), link.Path))
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: the link %q leads nowhere", page, m[1])
			} else if link.Fragment != "" && !hasHeading(texts[target], link.Fragment) {
				t.Errorf("%s: the link %q leads to no heading of %s", page, m[1], target)
			}
		}
	}
}

func hasHeading(text, fragment string) bool {
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		slug := notInSlug.ReplaceAllString(strings.ToLower(m[1]), "")
		if strings.ReplaceAll(slug, " ", "-") == fragment {
			return true
		}
	}
	return false
}

var (
	testNamed   = regexp.MustCompile("`((?:Test|Fuzz|Example|Benchmark)[A-Z][A-Za-z0-9]*_?\\w*)`")
	testDefined = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example|Benchmark)\w+)\(`)
)

func TestPages_everyTestThatIsNamedExists(t *testing.T) {
	defined := make(map[string]bool)
	goFiles(t, func(path, text string) {
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range testDefined.FindAllStringSubmatch(text, -1) {
				defined[m[1]] = true
			}
		}
	})
	named := 0
	for page, text := range pages(t) {
		for _, m := range testNamed.FindAllStringSubmatch(text, -1) {
			named++
			if !defined[m[1]] {
				t.Errorf("%s names %s, which does not exist", page, m[1])
			}
		}
	}
	if named == 0 {
		t.Error("no page names a test")
	}
}

var (
	methodNamed   = regexp.MustCompile("`([A-Za-z]+)\\.([A-Za-z]+)`")
	methodDefined = regexp.MustCompile(`(?m)^func \(\w+ \*?(\w+)(?:\[\w+\])?\) (\w+)\(`)
	functionNamed = regexp.MustCompile(`(?m)^func (\w+)[\[(]`)
	typeNamed     = regexp.MustCompile(`(?m)^type (\w+) `)
)

// What stands in ARCHITECTURE.md as `Type.method` or `package.Name` is code of ours.
func TestArchitecture_everyIdentifierExists(t *testing.T) {
	defined := make(map[string]bool)
	goFiles(t, func(path, text string) {
		for _, m := range methodDefined.FindAllStringSubmatch(text, -1) {
			defined[m[1]+"."+m[2]] = true
		}
		dir := filepath.Base(filepath.Dir(path))
		for _, pattern := range []*regexp.Regexp{functionNamed, typeNamed} {
			for _, m := range pattern.FindAllStringSubmatch(text, -1) {
				defined[dir+"."+m[1]] = true
			}
		}
	})
	// These are files, headers and settings, which look the same.
	other := regexp.MustCompile(`\.(go|md|yaml|json)$|^(dlq|source|delivery|limits|responses|retry|http)\.`)
	named := 0
	for _, m := range methodNamed.FindAllStringSubmatch(pages(t)["ARCHITECTURE.md"], -1) {
		name := m[1] + "." + m[2]
		if other.MatchString(name) {
			continue
		}
		named++
		if !defined[name] {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", name)
		}
	}
	if named == 0 {
		t.Error("ARCHITECTURE.md names nothing")
	}
}

var pathNamed = regexp.MustCompile("(?m)^\\| `((?:cmd|deploy|desk|processor|mapping|sink|internal)(?:/[a-z]+)*)` \\|")

func TestArchitecture_theFileMapIsThatOfTheRepository(t *testing.T) {
	mapped := make(map[string]bool)
	for _, m := range pathNamed.FindAllStringSubmatch(pages(t)["ARCHITECTURE.md"], -1) {
		mapped[m[1]] = true
	}
	there := make(map[string]bool)
	goFiles(t, func(path, _ string) { there[filepath.ToSlash(filepath.Dir(path))] = true })
	for dir := range there {
		if !mapped[dir] && !strings.Contains(dir, "testdata") {
			t.Errorf("the file map lacks %s", dir)
		}
	}
	for dir := range mapped {
		if !there[dir] {
			t.Errorf("the file map has %s, which does not exist", dir)
		}
	}
}
