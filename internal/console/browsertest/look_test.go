//go:build browser

package browsertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// widths are those of phones: the second is what a page of 1280 pixels has at a zoom of 400 %.
var widths = []int64{375, 320}

// testNarrow looks for pages that are wider than a phone.
func testNarrow(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.login(operator, "/")
	for _, path := range w.pages() {
		for _, width := range widths {
			b.size(width, 812)
			b.show(path)
			if wide := evaluate[int64](b, "document.documentElement.scrollWidth"); wide > width {
				t.Errorf("%s is %d pixels wide on a screen of %d; the widest are %v", path, wide, width, evaluate[[]string](b, fmt.Sprintf(widest, width)))
			}
		}
	}
}

// widest is the elements that reach out of a screen of a width and do not scroll by themselves.
const widest = `[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > %d && !e.closest(".scroll")).map(e => e.tagName + "." + e.className + " " + e.textContent.slice(0, 40)).slice(0, 5)`

// rgb is a colour as browsers compute it.
var rgb = regexp.MustCompile(`rgba?\((\d+), (\d+), (\d+)`)

func testSchemes(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.show("/login")
	shade := func(of string) (sum int) {
		colour := evaluate[string](b, fmt.Sprintf("getComputedStyle(document.documentElement).%s", of))
		m := rgb.FindStringSubmatch(colour)
		if m == nil {
			t.Fatalf("the %s is %s", of, colour)
		}
		for _, part := range m[1:] {
			var n int
			_, _ = fmt.Sscan(part, &n)
			sum += n
		}
		return sum
	}
	b.scheme("light")
	light, lightText := shade("backgroundColor"), shade("color")
	b.scheme("dark")
	dark, darkText := shade("backgroundColor"), shade("color")
	if light < 3*200 || lightText > 3*80 || dark > 3*60 || darkText < 3*180 {
		t.Errorf("pages are of %d with text of %d in light, and of %d with text of %d in dark", light, lightText, dark, darkText)
	}
}

// testAxe looks for what keeps people from using a page, by axe's rules, and writes the pictures.
func testAxe(t *testing.T, w *world) {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is not here to fetch axe-core: nothing looks for what keeps people from using the pages")
	}
	b := newTab(t, w.url)
	b.show("/login")
	b.checkInBothSchemes(t, "login")
	b.login(operator, "/")
	for _, path := range w.pages() {
		b.show(path)
		b.checkInBothSchemes(t, nameOf(path))
	}
	b.open("/letter/none")
	b.checkInBothSchemes(t, "error")
}

// nameOf is a page's name in the names of its pictures.
func nameOf(path string) string {
	name := strings.NewReplacer("/ID", "", "/", "-", "?", "-of-").Replace(strings.TrimPrefix(kindOf(path), "/"))
	if name == "" {
		return "overview"
	}
	return name
}

func (b *tab) checkInBothSchemes(t *testing.T, name string) {
	t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for _, v := range b.axe() {
			t.Errorf("%s, %s: %s (%s): %s\n%s", name, scheme, v.ID, v.Impact, v.Help, strings.Join(v.Where, "\n"))
		}
		if *screenshots != "" && name != "error" {
			if err := os.WriteFile(filepath.Join(*screenshots, name+"-"+scheme+".webp"), b.picture(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
