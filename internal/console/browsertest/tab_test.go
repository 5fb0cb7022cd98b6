//go:build browser

package browsertest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is a tab of the browser with cookies of its own.
type tab struct {
	t    testing.TB
	ctx  context.Context
	base string // of the console

	mu     sync.Mutex
	bytes  int64 // that came since the last address was opened
	hosts  map[string]bool
	faults []string
}

// patience is how long a page may take.
const patience = 20 * time.Second

// newTab opens a tab at a console. At the test's end its faults fail the test: errors and warnings
// of the browser, exceptions, what the content security policy refused, parts of pages that are not
// there, and requests to other hosts.
func newTab(t testing.TB, base string) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	b := &tab{t: t, ctx: ctx, base: base, hosts: map[string]bool{hostOf(base): true}}
	// The first run opens the tab, and the end of its context would close it.
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	tell(b, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	tell(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.size(1280, 800)
	t.Cleanup(func() {
		for _, fault := range b.takeFaults() {
			t.Error(fault)
		}
		end()
	})
	return b
}

// tell sends a command of the browser's protocol.
func tell[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

func (b *tab) size(width, height int64) {
	b.t.Helper()
	tell(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600})
}

// scheme lets the reader prefer light or dark pages.
func (b *tab) scheme(name string) {
	b.t.Helper()
	tell(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

// withoutScripts turns JavaScript of pages off. That of evaluate runs.
func (b *tab) withoutScripts() {
	b.t.Helper()
	tell(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// listen notes what happens in the tab.
func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "data:") && !b.hosts[hostOf(e.Request.URL)] {
			b.fault("%s asks another host for %s", e.DocumentURL, e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Type != network.ResourceTypeDocument && e.Response.Status >= http.StatusBadRequest {
			b.fault("%s is answered with %d", e.Response.URL, e.Response.Status)
		}
	case *network.EventDataReceived:
		b.bytes += e.DataLength
	case *runtime.EventExceptionThrown:
		b.fault("exception: %v", (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var words []string
			for _, a := range e.Args {
				words = append(words, string(a.Value)+a.Description)
			}
			b.fault("the page's script says: %s", strings.Join(words, " "))
		}
	case *log.EventEntryAdded:
		// Of the network there are the events above.
		if e.Entry.Source != log.EntrySourceNetwork && (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) {
			b.fault("the browser says: %s (%s)", e.Entry.Text, e.Entry.URL)
		}
	}
}

// fault notes a fault; the lock is held.
func (b *tab) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// takeFaults returns the faults and forgets them.
func (b *tab) takeFaults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.faults
	b.faults = nil
	return list
}

// allow lets pages ask for something at another host.
func (b *tab) allow(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts[hostOf(address)] = true
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("at %s: %v", b.here(), err)
	}
}

// here is the address that is shown.
func (b *tab) here() string {
	ctx, end := context.WithTimeout(b.ctx, time.Second)
	defer end()
	address, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return "an unknown address: " + err.Error()
	}
	return address
}

// visit does what leads to another page, and returns the page's status.
func (b *tab) visit(actions ...chromedp.Action[chromedp.Void]) int {
	b.t.Helper()
	b.mu.Lock()
	b.bytes = 0
	b.mu.Unlock()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	response, err := chromedp.RunResponse(ctx, actions...)
	if err != nil {
		b.t.Fatalf("on the way from %s: %v", b.here(), err)
	}
	if response == nil {
		return 0
	}
	return int(response.Status)
}

// open shows a page of the console by its path, and returns its status.
func (b *tab) open(path string) int {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.base + path
	}
	return b.visit(chromedp.Navigate(path))
}

// show shows a page that must be there.
func (b *tab) show(path string) {
	b.t.Helper()
	if status := b.open(path); status != http.StatusOK {
		b.t.Fatalf("%s is answered with %d:\n%s", path, status, b.text())
	}
}

// received is how many bytes came for the page.
func (b *tab) received() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// text is the page's text.
func (b *tab) text() string { return evaluate[string](b, "document.body.innerText") }

// wantText fails the test unless the page says something.
func (b *tab) wantText(parts ...string) {
	b.t.Helper()
	text := b.text()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			b.t.Fatalf("%s does not say %q:\n%s", b.here(), part, text)
		}
	}
}

// login shows the page of a path after a login.
func (b *tab) login(name, path string) {
	b.t.Helper()
	b.show(path)
	b.run(chromedp.SetValue("input[name=name]", name), chromedp.SetValue("input[name=password]", password))
	if status := b.visit(chromedp.Submit("form.login")); status != http.StatusOK {
		b.t.Fatalf("the login is answered with %d:\n%s", status, b.text())
	}
}

// submit fills a form's fields, by name, and clicks its button.
func (b *tab) submit(form string, fields ...string) int {
	b.t.Helper()
	for i := 0; i+1 < len(fields); i += 2 {
		b.run(chromedp.SetValue(form+" [name="+fields[i]+"]", fields[i+1]))
	}
	return b.visit(chromedp.Click(form + " button"))
}

// press presses keys.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.run(chromedp.KeyEvent(keys))
}

// pressToLeave presses Enter, which leads to another page.
func (b *tab) pressToLeave() int {
	b.t.Helper()
	return b.visit(chromedp.KeyEvent(kb.Enter))
}

// evaluate returns what an expression is in the page. A promise is waited for.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("at %s: %v", b.here(), err)
	}
	return value
}

// links are the addresses of the console that the page links to, each once, without a fragment.
func (b *tab) links() []string {
	b.t.Helper()
	list := evaluate[[]string](b, `[...new Set([...document.querySelectorAll("a[href]:not([download])")].map(a => a.href.split("#")[0]))]`)
	return slices.DeleteFunc(list, func(address string) bool { return hostOf(address) != hostOf(b.base) })
}

// picture writes a picture of what is shown of the page.
func (b *tab) picture() []byte {
	b.t.Helper()
	quality := int64(80)
	return tell(b, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: &quality}).Data
}
