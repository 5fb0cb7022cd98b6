package console

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// loginForm is what the page of the login shows.
type loginForm struct {
	// Users reports whether a name is asked for; else the token alone.
	Users, Token bool
	Name, To     string
	Error        string
}

// showLogin asks who somebody is.
func (c *Console) showLogin(w http.ResponseWriter, r *http.Request) {
	if _, ok := c.personOf(r); ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	c.askLogin(w, http.StatusOK, loginForm{To: r.URL.Query().Get("to")})
}

func (c *Console) askLogin(w http.ResponseWriter, status int, form loginForm) {
	form.Users, form.Token = c.settings.UsersFile != "", !c.settings.Token.IsZero()
	if !form.Users && !form.Token {
		status, form.Error = http.StatusUnauthorized, "The proxy in front of this console did not say who you are."
	}
	c.write(w, status, view{Title: "Log in", Template: "login", Body: form})
}

// maxPassword is the longest password that is looked at, in bytes.
const maxPassword = 1024

// login begins a session of who knows a password or the token.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	name, password := r.PostFormValue("name"), r.PostFormValue("password")
	form := loginForm{Name: name, To: r.PostFormValue("to")}
	sender := senderOf(r)
	if !c.attempts.allow(sender, name) {
		c.Log.Warn("logins at the console are refused for a while: too many have failed", "sender", sender)
		w.Header().Set("Retry-After", strconv.Itoa(int(nameEvery/time.Second)))
		form.Error = "Too many logins have failed. Wait half a minute and try again."
		c.askLogin(w, http.StatusTooManyRequests, form)
		return
	}
	proof, ok := c.prove(&name, password)
	if !ok {
		c.Log.Warn("login at the console failed", "sender", sender)
		form.Error = "That is not right."
		c.askLogin(w, http.StatusUnauthorized, form)
		return
	}
	c.attempts.succeeded(sender, form.Name)
	c.sessions.end(sessionValue(r))
	http.SetCookie(w, cookieOf(c.sessions.begin(name, proof), c.isSecure(r)))
	c.Log.Info("somebody logged in at the console", "name", name, "sender", sender)
	to := "/"
	if isLocalPath(form.To) {
		to = form.To
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// prove checks a password. The token needs no name; it sets that of who has it.
func (c *Console) prove(name *string, password string) (proof [32]byte, ok bool) {
	if password == "" || len(password) > maxPassword {
		return proof, false
	}
	if (*name == "" || *name == tokenName) && c.isToken(password) {
		*name = tokenName
		return c.tokenProof(), true
	}
	c.attempts.checking <- struct{}{}
	defer func() { <-c.attempts.checking }()
	u, ok := c.users.check(*name, password)
	return sha256.Sum256([]byte(u.hash)), ok
}

// logout ends a session.
func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	c.sessions.end(sessionValue(r))
	cookie := cookieOf("", c.isSecure(r))
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// sendToLogin answers the request of somebody who is not known.
func (c *Console) sendToLogin(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.Header.Get("Authorization") != "" || c.settings.UsersFile == "" && c.settings.Token.IsZero() {
		w.Header().Set("WWW-Authenticate", "Bearer")
		c.askLogin(w, http.StatusUnauthorized, loginForm{To: "/"})
		return
	}
	http.Redirect(w, r, "/login?"+url.Values{"to": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
}
