//go:build browser

package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func testLogin(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.show("/letters?code=http_422")
	b.wantText("Log in")
	if status := b.submit("form.login", "name", operator, "password", "another one"); status != http.StatusUnauthorized {
		t.Errorf("a wrong password is answered with %d", status)
	}
	b.wantText("That is not right.")
	if name := evaluate[string](b, `document.querySelector("[name=name]").value`); name != operator {
		t.Errorf("the form has forgotten the name: it is %q", name)
	}
	b.submit("form.login", "password", password)
	if here := b.here(); here != w.url+"/letters?code=http_422" {
		t.Errorf("the login leads to %s", here)
	}
	if cookies := evaluate[string](b, "document.cookie"); cookies != "" {
		t.Errorf("scripts can read the cookie: %s", cookies)
	}
	if status := b.visit(chromedp.Click(`form[action="/logout"] button`)); status != http.StatusOK {
		t.Errorf("the logout is answered with %d", status)
	}
	b.show("/configuration")
	b.wantText("Log in")
	other := newTab(t, w.url)
	other.login(viewer, "/")
	other.wantText(viewer, "viewer")
	lured := newTab(t, w.url)
	lured.login(viewer, "/login?to=//"+foreignHost)
	if here := lured.here(); here != w.url+"/" {
		t.Errorf("a login leads to %s", here)
	}
}

// post sends a form by a script of the page that is shown, and returns the response's status.
func (b *tab) post(path, body string) int {
	b.t.Helper()
	return evaluate[int](b, fmt.Sprintf(`fetch(%q, {method: "POST", redirect: "manual", headers: {"Content-Type": "application/x-www-form-urlencoded"}, body: %q}).then(r => r.status)`, path, body))
}

func testRoles(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.login(viewer, "/")
	b.show("/letters/list?show=personal")
	if strings.Contains(b.text(), "user-1") {
		t.Errorf("a viewer sees users:\n%s", b.text())
	}
	for _, path := range []string{"/destination/crm/hold", "/destination/crm/resume", "/letters/discard"} {
		if status := b.post(path, "reason=because&class=invalid&count=8"); status != http.StatusForbidden {
			t.Errorf("a viewer's form to %s is answered with %d", path, status)
		}
	}
	b.show("/")
	if strings.Contains(b.text(), "on hold") {
		t.Errorf("a viewer has put a destination on hold:\n%s", b.text())
	}
	b.refused(`/destination/crm/hold`, 3)
	o := newTab(t, w.url)
	o.login(operator, "/letters/list?show=personal")
	o.wantText("user-1", "user-big")
	o.show("/letters/list")
	if strings.Contains(o.text(), "user-1") {
		t.Errorf("users are not masked:\n%s", o.text())
	}
}

// refused takes the faults that so many refused requests leave.
func (b *tab) refused(path string, n int) {
	b.t.Helper()
	faults := b.takeFaults()
	if len(faults) != n || !strings.Contains(faults[0], path) {
		b.t.Errorf("the faults are %q, want %d that are asked for", faults, n)
	}
}

// elsewhere serves a page of another origin.
func elsewhere(t *testing.T, page string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<!doctype html><title>Elsewhere</title>"+page)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// testOtherOrigins lets a page at another port of the same host, to which the browser sends the
// console's cookies, and one at another host act for an operator who is logged in.
func testOtherOrigins(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.login(operator, "/")
	page := elsewhere(t, `<form method="post" action="`+w.url+`/destination/crm/hold"><input name="reason" value="a trap"><button>A prize</button></form>`)
	for _, from := range []string{page, strings.Replace(page, "127.0.0.1", foreignHost, 1)} {
		b.allow(from)
		b.show(from)
		if status := b.visit(chromedp.Click("button")); status != http.StatusForbidden {
			t.Errorf("a form from %s is answered with %d", from, status)
		}
		b.wantText("refused: the request comes from a web page of another origin")
		b.show("/")
		if strings.Contains(b.text(), "on hold") {
			t.Fatalf("a form from %s has put a destination on hold:\n%s", from, b.text())
		}
	}
	// Its own form works, so it is not refused for another reason.
	if status := b.post("/destination/crm/hold", "reason=no"); status != http.StatusBadRequest {
		t.Errorf("a form of the console itself, with a reason that is too short, is answered with %d", status)
	}
	b.refused("/destination/crm/hold", 1)
}

func testFrames(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.login(operator, "/")
	page := elsewhere(t, `<iframe src="`+w.url+`/"></iframe>`)
	b.allow(page)
	b.show(page)
	if faults := strings.Join(b.takeFaults(), "\n"); !strings.Contains(faults, "frame-ancestors") {
		t.Errorf("a frame around the console is refused with %q", faults)
	}
}

func testHosts(t *testing.T, w *world) {
	b := newTab(t, w.url)
	for host, want := range map[string]int{namedHost: http.StatusOK, foreignHost: http.StatusForbidden} {
		address := strings.Replace(w.url, "127.0.0.1", host, 1)
		b.allow(address)
		if status := b.open(address + "/"); status != want {
			t.Errorf("%s is answered with %d:\n%s", address, status, b.text())
		}
	}
	for _, fault := range b.takeFaults() {
		// Without TLS, browsers leave this header out and say so, except at the machine's own addresses.
		if !strings.Contains(fault, "Cross-Origin-Opener-Policy header has been ignored") {
			t.Error(fault)
		}
	}
}

func testBigIDs(t *testing.T, w *world) {
	b := newTab(t, w.url)
	b.login(operator, "/event?show=personal&id="+bigID)
	if id := evaluate[string](b, `document.querySelector("main [name=id]").value`); id != bigID {
		t.Errorf("the page is of %s", id)
	}
	link := evaluate[string](b, `document.querySelector("main a[href^='/letter/']").href`)
	b.show(link)
	// Once as the event's id, and once as the order's number.
	if n := strings.Count(b.text(), bigID); n < 3 {
		t.Errorf("the letter's page has the number %d times:\n%s", n, b.text())
	}
	if strings.Contains(b.text(), "9007199254740992") || strings.Contains(b.text(), "9.007") {
		t.Errorf("the number is rounded:\n%s", b.text())
	}
}
