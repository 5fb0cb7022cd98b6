//go:build browser

package browsertest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var (
	screenshots = flag.String("screenshots", "", "the folder that pictures of each page are written to")
	built       = flag.String("program", "", "the deskstream to test; it is built without it")
)

// program is the path of deskstream, and browser is where the tests' pages are opened.
var (
	program string
	browser context.Context
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(context.Background(), m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	program = *built
	if program == "" {
		dir, err := os.MkdirTemp("", "browsertest")
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		program = filepath.Join(dir, "deskstream")
		build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/deskstream")
		build.Dir = "../../.."
		if out, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("building deskstream: %w\n%s", err, out)
		}
	}
	found := exec.CommandContext(ctx, "./browser.sh")
	found.Stderr = os.Stderr
	path, err := found.Output()
	if err != nil {
		return 1, fmt.Errorf("looking for a browser: %w", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(strings.TrimSpace(string(path))),
		// Containers have no right to what its sandbox needs, and it shows pages of ours only.
		chromedp.NoSandbox,
		chromedp.Flag("host-resolver-rules", "MAP "+namedHost+" 127.0.0.1, MAP "+foreignHost+" 127.0.0.1"),
	)
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	first, end := chromedp.NewContext(allocator)
	defer end()
	browser = first //nolint:fatcontext // the parent of all tabs, set once
	if err := chromedp.Do(browser); err != nil {
		return 1, fmt.Errorf("starting the browser: %w", err)
	}
	return m.Run(), nil
}
