package console

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func TestLogin_letsInWhoKnowsThePassword(t *testing.T) {
	s := withUsers(t, "ann opensesame operator", "ben swordfish viewer")
	if w := s.ask(http.MethodGet, "/letters?code=a"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login?to=%2Fletters%3Fcode%3Da" {
		t.Errorf("a stranger is answered with %d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, wrong := range [][2]string{{"ann", "swordfish"}, {"eve", "opensesame"}, {"", ""}, {"ann", ""}, {"ann", strings.Repeat("x", 2000)}} {
		if w := s.login(wrong[0], wrong[1], from("192.0.2."+wrong[0])); w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) > 0 {
			t.Errorf("%v: answered with %d, cookies %v", wrong, w.Code, w.Result().Cookies())
		}
	}
	in := s.login("ben", "swordfish")
	cookie := in.Result().Cookies()[0]
	if in.Code != http.StatusSeeOther || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
		t.Fatalf("answered with %d, the cookie is %v", in.Code, cookie)
	}
	if page := s.get("/", cookies(in)); !strings.Contains(page, "ben <small>viewer") || strings.Contains(page, "Show personal data") {
		t.Errorf("a viewer sees\n%s", page)
	}
	if page := s.get("/", cookies(s.login("ann", "opensesame"))); !strings.Contains(page, "ann <small>operator") || !strings.Contains(page, "Show personal data") {
		t.Errorf("an operator sees\n%s", page)
	}
	s.ask(http.MethodPost, "/logout", cookies(in))
	if w := s.ask(http.MethodGet, "/", cookies(in)); w.Code != http.StatusSeeOther {
		t.Errorf("the session did not end: answered with %d", w.Code)
	}
	for _, secret := range []string{"opensesame", "swordfish", cookie.Value, "$2"} {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, s.logs)
		}
	}
}

func TestLogin_leadsToOurOwnPagesOnly(t *testing.T) {
	s := withUsers(t, "ann opensesame operator")
	for to, want := range map[string]string{"/letters?code=a": "/letters?code=a", "//evil.example": "/", "https://evil.example": "/"} {
		w := s.ask(http.MethodPost, "/login", form("name", "ann", "password", "opensesame", "to", to))
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("%s leads to %q, want %q", to, got, want)
		}
	}
}

func TestLogin_isLimited(t *testing.T) {
	s := withUsers(t, "ann opensesame operator")
	for i := range nameFailures {
		if w := s.login("ann", "guess"); w.Code != http.StatusUnauthorized {
			t.Fatalf("attempt %d is answered with %d", i, w.Code)
		}
	}
	if w := s.login("ann", "opensesame"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("after %d failures the right password is answered with %d", nameFailures, w.Code)
	}
	if w := s.login("ann", "opensesame", from("192.0.2.9")); w.Code != http.StatusSeeOther {
		t.Errorf("another sender is answered with %d", w.Code)
	}
}

func TestAttempts_oneSenderMayNotGuessNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAttempts()
		allowed := 0
		for i := range 100 {
			if a.allow("192.0.2.1", string(rune('a'+i))) {
				allowed++
			}
		}
		if allowed != senderFailures {
			t.Errorf("%d attempts were allowed, want %d", allowed, senderFailures)
		}
		time.Sleep(senderEvery)
		if !a.allow("192.0.2.1", "ann") || a.allow("192.0.2.1", "ann") {
			t.Error("an interval later it is not one attempt that is allowed")
		}
	})
}

func TestSessions_end(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		idle, used := s.begin("ann", [32]byte{1}), s.begin("ben", [32]byte{2})
		for range sessionLasts / (sessionIdle / 2) {
			time.Sleep(sessionIdle / 2)
			if _, ok := s.find(used); !ok {
				t.Fatal("a session that is used ended early")
			}
		}
		if _, ok := s.find(idle); ok {
			t.Error("a session that nobody uses did not end")
		}
		time.Sleep(time.Minute)
		if _, ok := s.find(used); ok {
			t.Error("a session outlived its longest time")
		}
	})
}

func TestLogin_whoIsTakenOutOfTheFileIsOut(t *testing.T) {
	path := usersFile(t, "", "ann opensesame operator", "ben swordfish viewer")
	s := open(t, offline(t, "console: {users_file: "+path+"}"), nil)
	ann, ben := s.login("ann", "opensesame"), s.login("ben", "swordfish")
	read := func() { // as after lookEvery
		s.users.mu.Lock()
		defer s.users.mu.Unlock()
		s.users.looked, s.users.was = time.Time{}, fileStamp{}
	}
	if err := os.WriteFile(path, []byte("ann:broken:operator\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read()
	if w := s.ask(http.MethodGet, "/", cookies(ann)); w.Code != http.StatusOK || !strings.Contains(s.logs.String(), "the current ones stay") {
		t.Errorf("with a broken file a session is answered with %d, the log is\n%s", w.Code, s.logs)
	}
	usersFile(t, path, "ann another-one operator")
	read()
	for name, in := range map[string]func(*http.Request){"another password": cookies(ann), "taken out": cookies(ben)} {
		if w := s.ask(http.MethodGet, "/", in); w.Code != http.StatusSeeOther {
			t.Errorf("%s: the session is answered with %d", name, w.Code)
		}
	}
}

func TestToken_letsInWithItsRole(t *testing.T) {
	const token = "0123456789abcdef0123456789"
	s := open(t, offline(t, "console: {token: "+token+", token_role: operator}"), nil)
	if page := s.get("/", header("Authorization", "Bearer "+token)); !strings.Contains(page, "token <small>operator") {
		t.Errorf("the page is\n%s", page)
	}
	for _, scheme := range []string{"bearer ", "BEARER ", "Bearer  "} { // RFC 9110, 11.1
		s.get("/", header("Authorization", scheme+token))
	}
	if w := s.ask(http.MethodGet, "/", header("Authorization", "Bearer "+token+"x")); w.Code != http.StatusUnauthorized {
		t.Errorf("a wrong token is answered with %d", w.Code)
	}
	if page := s.get("/", cookies(s.login("", token))); !strings.Contains(page, "token <small>operator") {
		t.Errorf("after a login with the token the page is\n%s", page)
	}
	if strings.Contains(s.logs.String(), token) {
		t.Error("the token is in the log")
	}
}

func TestProxy_namesPeopleOnlyFromItsOwnAddress(t *testing.T) {
	s := open(t, offline(t, "console: {proxy: {trusted: [10.0.0.0/8], header: X-User, operators: [ann]}}"), nil)
	for name, tt := range map[string]struct {
		changes []func(*http.Request)
		want    int
		role    string
	}{
		"an operator":         {[]func(*http.Request){from("10.1.2.3"), header("X-User", "ann")}, http.StatusOK, "operator"},
		"anyone else":         {[]func(*http.Request){from("10.1.2.3"), header("X-User", "ben")}, http.StatusOK, "viewer"},
		"another address":     {[]func(*http.Request){from("192.0.2.1"), header("X-User", "ann")}, http.StatusUnauthorized, ""},
		"this machine":        {[]func(*http.Request){from("127.0.0.1"), header("X-User", "ann")}, http.StatusUnauthorized, ""},
		"no name":             {[]func(*http.Request){from("10.1.2.3")}, http.StatusUnauthorized, ""},
		"an empty name":       {[]func(*http.Request){from("10.1.2.3"), header("X-User", " ")}, http.StatusUnauthorized, ""},
		"two names":           {[]func(*http.Request){from("10.1.2.3"), header("X-User", "ben"), header("X-User", "ann")}, http.StatusUnauthorized, ""},
		"another header":      {[]func(*http.Request){from("10.1.2.3"), header("X-Forwarded-User", "ann")}, http.StatusUnauthorized, ""},
		"mapped into IPv6":    {[]func(*http.Request){func(r *http.Request) { r.RemoteAddr = "[::ffff:10.1.2.3]:1" }, header("X-User", "ann")}, http.StatusOK, "operator"},
		"a name like a role":  {[]func(*http.Request){from("10.1.2.3"), header("X-User", "operator")}, http.StatusOK, "viewer"},
		"a name that is HTML": {[]func(*http.Request){from("10.1.2.3"), header("X-User", "<script>")}, http.StatusOK, "viewer"},
	} {
		w := s.ask(http.MethodGet, "/", tt.changes...)
		if w.Code != tt.want || tt.role != "" && !strings.Contains(w.Body.String(), "<small>"+tt.role) || strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("%s: answered with %d, want %d as %s:\n%s", name, w.Code, tt.want, tt.role, w.Body)
		}
	}
}

func TestUsers_aBrokenFileIsRefusedWithoutItsHashes(t *testing.T) {
	cheap := "$2y$05$GxBkDvbPpBLCHzWZzoRCkOpNuR1iIJmBmtWcmE7UIUAckYKCVRz5K"
	for text, want := range map[string]string{
		"":                                "has no user",
		"ann":                             "write NAME:HASH:ROLE",
		"ann:secret:operator":             "the hash is none of bcrypt",
		"ann:" + cheap + ":operator":      "from 10 to 16 are taken",
		"ann:" + cheap + ":root":          "the role must be",
		"an n:" + cheap:                   "without blanks",
		"token:" + cheap:                  "is that of who has the token",
		"# only a comment\n\n  # another": "has no user",
	} {
		path := filepath.Join(t.TempDir(), "users")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readUsers(path)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "$2y") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error is %v, want one with %q and without the hash", text, err, want)
		}
	}
}

// Work that a login takes is 2^cost, by bcrypt's definition.
func TestUsers_aLoginTakesTheSameWorkForEverybody(t *testing.T) {
	hash := func(cost int) string {
		made, err := bcrypt.GenerateFromPassword([]byte("swordfish"), minCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(withCost(string(made), cost))
	}
	path := filepath.Join(t.TempDir(), "users")
	text := "ann:" + hash(10) + ":operator\nben:" + hash(13) + ":viewer\neve:" + hash(12) + ":viewer\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := openUsers(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "ben", "eve", "nobody"} {
		found, known := u.named(name)
		work := 0
		if known {
			work = 1 << found.cost
		}
		for _, hash := range u.others(found, known) {
			cost, err := bcrypt.Cost(hash)
			if err != nil {
				t.Fatalf("%s: %s is no hash: %v", name, hash, err)
			}
			work += 1 << cost
		}
		if work != 1<<13 {
			t.Errorf("a login as %s takes the work of %d, want that of the highest cost, %d", name, work, 1<<13)
		}
	}
	if _, ok := u.check("ann", "swordfish"); !ok {
		t.Error("the right password is refused")
	}
	if _, ok := u.check("nobody", "swordfish"); ok {
		t.Error("somebody who is not known is let in")
	}
}
