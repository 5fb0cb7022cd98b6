//go:build browser

package browsertest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// maxPage is the size of the largest page, in bytes, with all that it loads.
const maxPage = 150_000

// crawl visits the addresses that a page of the console leads to, of each kind at most so many, and
// returns them in order. It calls check at each of them.
func (b *tab) crawl(most int, check func(address string)) []string {
	b.t.Helper()
	todo, found, ofKind := []string{b.base + "/", b.base + "/event?id=order-1", b.base + "/event?user=user-1"}, map[string]bool{}, map[string]int{}
	var visited []string
	for ; len(todo) > 0; todo = todo[1:] {
		kind := kindOf(todo[0])
		if found[todo[0]] || ofKind[kind] >= most {
			continue
		}
		found[todo[0]] = true
		ofKind[kind]++
		visited = append(visited, todo[0])
		if status := b.open(todo[0]); status != http.StatusOK {
			b.t.Errorf("%s is answered with %d:\n%s", todo[0], status, b.text())
		}
		if n := b.received(); n > maxPage {
			b.t.Errorf("%s has %d bytes", todo[0], n)
		}
		check(todo[0])
		for _, fault := range b.takeFaults() {
			b.t.Errorf("%s: %s", todo[0], fault)
		}
		for _, file := range evaluate[[]string](b, `[...document.querySelectorAll("a[download]")].map(a => a.href)`) {
			if status := evaluate[int](b, fmt.Sprintf(`fetch(%q).then(r => r.status)`, file)); status != http.StatusOK {
				b.t.Errorf("the file %s is answered with %d", file, status)
			}
		}
		todo = append(todo, b.links()...)
	}
	return visited
}

// ids are the parts of a path that differ from letter to letter and from job to job.
var ids = regexp.MustCompile(`/(letter|job|plan|destination)/[^/]+`)

// kindOf is what an address has in common with those of like pages.
func kindOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	kind := ids.ReplaceAllString(u.Path, "/$1/ID")
	for _, name := range []string{"id", "user"} {
		if kind == "/event" && u.Query().Get(name) != "" {
			kind += "?" + name // the form alone is another page
		}
	}
	return kind
}

// pages returns the path of one page of each kind, as an operator finds them.
func (w *world) pages() []string {
	w.t.Helper()
	if len(*w.found) == 0 {
		b := newTab(w.t, w.url)
		b.login(operator, "/")
		for _, address := range b.crawl(1, func(string) {}) {
			*w.found = append(*w.found, strings.TrimPrefix(address, w.url))
		}
	}
	return *w.found
}

func testEveryLinkLeadsToAPage(t *testing.T, w *world) {
	for _, c := range []struct {
		role    string
		scripts bool
		most    int
	}{{operator, true, 12}, {operator, false, 3}, {viewer, true, 3}, {viewer, false, 3}} {
		t.Run(fmt.Sprintf("%s, scripts %t", c.role, c.scripts), func(t *testing.T) {
			b := newTab(t, w.url)
			if !c.scripts {
				b.withoutScripts()
			}
			b.login(c.role, "/")
			visited := b.crawl(c.most, func(address string) {
				if c.role == viewer {
					b.wantNothingOfOperators(address)
				}
			})
			kinds := map[string]int{}
			for _, address := range visited {
				kinds[kindOf(address)]++
			}
			t.Logf("%d addresses: %v", len(visited), kinds)
			if len(kinds) < 8 {
				t.Error("these are too few kinds")
			}
		})
	}
}

// wantNothingOfOperators looks for forms and links that are not for viewers.
func (b *tab) wantNothingOfOperators(address string) {
	b.t.Helper()
	forms := evaluate[[]string](b, `[...document.querySelectorAll("form[method=post]")].map(f => f.getAttribute("action")).filter(a => a != "/logout")`)
	if len(forms) > 0 {
		b.t.Errorf("a viewer sees forms at %s: %v", address, forms)
	}
	if strings.Contains(address, "show=personal") {
		b.t.Errorf("a viewer is led to personal data: %s", address)
	}
}
