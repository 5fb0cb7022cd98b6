package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/crypto/bcrypt"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/file"
)

// user is one line of the file of users.
type user struct {
	hash string
	cost int // of the hash
	role string
}

// users are those of a file, which is read again when it has changed. The zero path has none.
type users struct {
	path   string
	log    *slog.Logger
	mu     sync.Mutex
	byName map[string]user
	looked time.Time
	was    fileStamp
}

// fileStamp is what changes with a file.
type fileStamp struct {
	at   time.Time
	size int64
}

// lookEvery is how often the file of users is looked at.
const lookEvery = 2 * time.Second

func openUsers(path string, log *slog.Logger) (*users, error) {
	u := &users{path: path, log: log}
	if path == "" {
		return u, nil
	}
	u.was, u.looked = stampOf(path), time.Now()
	var err error
	u.byName, err = readUsers(path)
	return u, err
}

func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{info.ModTime(), info.Size()}
}

// named returns the user of a name.
func (u *users) named(name string) (user, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.path != "" && time.Since(u.looked) >= lookEvery {
		u.look()
	}
	found, ok := u.byName[name]
	return found, ok
}

// look reads the file again if it has changed. Users stay as they are while it cannot be read.
func (u *users) look() {
	u.looked = time.Now()
	now := stampOf(u.path)
	if now == u.was {
		return
	}
	u.was = now
	list, err := readUsers(u.path)
	if err != nil {
		u.log.Error("the users of the console could not be read again, the current ones stay", "err", err)
		return
	}
	u.byName = list
	u.log.Info("the users of the console were read again", "users", len(list))
}

// check returns the user with a name and password. The answer takes as long for a name that nobody
// has, and for one whose hash costs less than others of the file.
func (u *users) check(name, password string) (user, bool) {
	found, known := u.named(name)
	right := known && bcrypt.CompareHashAndPassword([]byte(found.hash), []byte(password)) == nil
	for _, hash := range u.others(found, known) {
		_ = bcrypt.CompareHashAndPassword(hash, []byte(password)) // only the time counts
	}
	return found, right
}

// others are hashes to compare beside that of a user so that all takes as long as the hash of the
// highest cost. Each cost takes twice as long as the one below: 2^c + 2^c + 2^(c+1) + ... + 2^(max-1) is
// 2^max. For somebody who is not known it is one of the highest cost.
func (u *users) others(found user, known bool) (list [][]byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	highest, like := 0, ""
	for _, other := range u.byName {
		highest, like = max(highest, other.cost), other.hash
	}
	switch {
	case like == "":
	case !known:
		list = append(list, withCost(like, highest))
	default:
		for cost := found.cost; cost < highest; cost++ {
			list = append(list, withCost(like, cost))
		}
	}
	return list
}

// withCost is a hash of bcrypt with another cost, which fits no password that is known.
func withCost(hash string, cost int) []byte {
	version, rest, _ := strings.Cut(hash[1:], "$") // $2a$12$...
	return fmt.Appendf(nil, "$%s$%02d%s", version, cost, rest[2:])
}

// minCost is the least work that a hash must take: one that was stolen is tried offline. Each login
// takes the work of the highest one in the file, which maxCost keeps to about five seconds.
const (
	minCost = 10
	maxCost = 16
)

// maxName is the longest name of a user, in bytes.
const maxName = 64

func readUsers(path string) (map[string]user, error) {
	text, err := file.Read(context.Background(), path, file.MaxSmall)
	if err != nil {
		return nil, err
	}
	list, number := make(map[string]user), 0
	for line := range strings.Lines(string(text)) {
		number++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, u, err := parseUser(line)
		if _, twice := list[name]; err == nil && twice {
			err = errors.New("the name is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of %s: %w", number, path, err) // without the line, which has a hash
		}
		list[name] = u
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no user: nobody could log in", path)
	}
	return list, nil
}

// parseUser reads a line NAME:HASH:ROLE; without a role it is a viewer.
func parseUser(line string) (string, user, error) {
	name, rest, ok := strings.Cut(line, ":")
	hash, role, _ := strings.Cut(rest, ":")
	if role == "" {
		role = config.Viewer
	}
	switch {
	case !ok || name == "" || len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
		return "", user{}, fmt.Errorf("write NAME:HASH:ROLE, the name without blanks and of at most %d bytes", maxName)
	case name == tokenName:
		return "", user{}, fmt.Errorf("the name %s is that of who has the token: take another one", tokenName)
	case !slices.Contains([]string{config.Viewer, config.Operator}, role):
		return "", user{}, errors.New("the role must be viewer or operator")
	}
	cost, err := bcrypt.Cost([]byte(hash))
	switch {
	case err != nil:
		return "", user{}, errors.New("the hash is none of bcrypt: make one with htpasswd -nB -C 12 NAME")
	case cost < minCost || cost > maxCost:
		return "", user{}, fmt.Errorf("the hash has a cost of %d, from %d to %d are taken: make one with htpasswd -nB -C 12 NAME", cost, minCost, maxCost)
	}
	return name, user{hash, cost, role}, nil
}
