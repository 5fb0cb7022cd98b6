package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// How long a person stays logged in, at most and without a request, and how many may be.
const (
	sessionLasts = 12 * time.Hour
	sessionIdle  = time.Hour
	maxSessions  = 1000
)

// session is a person who has logged in.
type session struct {
	name string
	// proof is what the person has logged in with, as it was then: a session ends when that
	// changes.
	proof      [32]byte
	began, saw time.Time
}

// sessions are kept in memory by the digest of what the cookie has: they end with the process.
type sessions struct {
	list *lru.Cache[[32]byte, session]
}

func newSessions() *sessions {
	list, err := lru.New[[32]byte, session](maxSessions)
	if err != nil {
		panic(err) // the size is positive
	}
	return &sessions{list}
}

// begin begins a session and returns what its cookie has.
func (s *sessions) begin(name string, proof [32]byte) string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // it never fails
	value, now := base64.RawURLEncoding.EncodeToString(secret[:]), time.Now()
	s.list.Add(sha256.Sum256([]byte(value)), session{name: name, proof: proof, began: now, saw: now})
	return value
}

// find returns the session of a cookie's value and counts the request.
func (s *sessions) find(value string) (session, bool) {
	key := sha256.Sum256([]byte(value))
	found, ok := s.list.Get(key)
	if !ok {
		return session{}, false
	}
	if time.Since(found.began) > sessionLasts || time.Since(found.saw) > sessionIdle {
		s.list.Remove(key)
		return session{}, false
	}
	found.saw = time.Now()
	s.list.Add(key, found)
	return found, true
}

func (s *sessions) end(value string) { s.list.Remove(sha256.Sum256([]byte(value))) }

// The name of the session's cookie. A browser takes the first one only over TLS and for the whole
// host, so that nobody else can set it.
const (
	secureCookie = "__Host-deskstream_console"
	plainCookie  = "deskstream_console"
)

// cookieOf returns a cookie that only this console's own pages send.
func cookieOf(value string, secure bool) *http.Cookie {
	name := plainCookie
	if secure {
		name = secureCookie
	}
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: secure, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// sessionValue is what the cookie of a request has, "" without one.
func sessionValue(r *http.Request) string {
	for _, name := range []string{secureCookie, plainCookie} {
		if cookie, err := r.Cookie(name); err == nil {
			return cookie.Value
		}
	}
	return ""
}

// How many logins may fail in a row: by one sender with one name, and by one sender. Then one more
// may in each interval.
const (
	nameFailures   = 5
	nameEvery      = 30 * time.Second
	senderFailures = 20
	senderEvery    = 10 * time.Second
	maxSenders     = 10_000
)

// attempts limits logins.
type attempts struct {
	limits *lru.Cache[string, *rate.Limiter]
	// checking limits how many passwords are compared at a time: each takes a tenth of a second
	// of CPU time, which pipelines need.
	checking chan struct{}
}

func newAttempts() *attempts {
	limits, err := lru.New[string, *rate.Limiter](maxSenders)
	if err != nil {
		panic(err) // the size is positive
	}
	return &attempts{limits, make(chan struct{}, 1)}
}

// allow takes one attempt of a sender with a name, or returns false when there were too many.
func (a *attempts) allow(sender, name string) bool {
	bySender := a.limit("sender "+sender, rate.Every(senderEvery), senderFailures)
	byName := a.limit("name "+sender+" "+name, rate.Every(nameEvery), nameFailures)
	return bySender.Allow() && byName.Allow()
}

func (a *attempts) limit(key string, every rate.Limit, burst int) *rate.Limiter {
	fresh := rate.NewLimiter(every, burst)
	if known, ok, _ := a.limits.PeekOrAdd(key, fresh); ok {
		a.limits.Get(key) // used last
		return known
	}
	return fresh
}

// succeeded forgets the failures of a sender with a name.
func (a *attempts) succeeded(sender, name string) { a.limits.Remove("name " + sender + " " + name) }
