//go:build browser

package browsertest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// axe-core is fetched by npm, since its half megabyte is of no use to anybody else.
const (
	axePackage   = "axe-core@4.14.1"
	axeFile      = "axe-core-4.14.1.tgz"
	axeIntegrity = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)

// axeScript is the text of axe-core.
var axeScript = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "deskstream-browser")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	archive, err := os.ReadFile(filepath.Join(dir, axeFile))
	if errors.Is(err, os.ErrNotExist) {
		fetch := exec.Command("npm", "pack", "--silent", "--ignore-scripts", axePackage)
		fetch.Dir = dir
		if out, err := fetch.CombinedOutput(); err != nil {
			return "", fmt.Errorf("fetching %s: %w\n%s", axePackage, err, out)
		}
		archive, err = os.ReadFile(filepath.Join(dir, axeFile))
	}
	if err != nil {
		return "", err
	}
	if sum := sha512.Sum512(archive); base64.StdEncoding.EncodeToString(sum[:]) != axeIntegrity {
		return "", fmt.Errorf("%s in %s is not the one that is meant: remove it and see where it comes from", axeFile, dir)
	}
	return extract(archive, "package/axe.min.js")
})

// extract returns a file of an archive.
func extract(archive []byte, name string) (string, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if err != nil {
			return "", fmt.Errorf("looking for %s: %w", name, err)
		}
		if header.Name == name {
			text, err := io.ReadAll(files)
			return string(text), err
		}
	}
}

// violation is what axe finds wrong.
type violation struct {
	ID, Impact, Help string
	Where            []string
}

// axe returns what axe finds wrong with the page that is shown, if it is serious. Its rules are
// those of WCAG 2.2, A and AA, and what it calls best practices.
func (b *tab) axe() []violation {
	b.t.Helper()
	script, err := axeScript()
	if err != nil {
		b.t.Fatal(err)
	}
	if !evaluate[bool](b, `"axe" in window`) {
		evaluate[bool](b, script+"\n;true")
	}
	return evaluate[[]violation](b, `axe.run(document).then(r => r.violations
		.filter(v => v.impact == "serious" || v.impact == "critical")
		.map(v => ({ID: v.id, Impact: v.impact, Help: v.help, Where: v.nodes.slice(0, 3).map(n => n.html.slice(0, 300) + " " + (n.failureSummary || ""))})))`)
}
