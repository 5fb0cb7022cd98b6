package sink

import (
	"context"
	"errors"
	"sync"
	"time"
)

// How long a list of names holds, and for how long it is not read again although a name is
// missing: an event whose rule has a wrong name would read it each time.
const (
	namesLifetime = time.Hour
	namesSettled  = time.Minute
)

// names are the ids of what a desk names, by list.
type names struct {
	mu    sync.Mutex
	lists map[string]nameList
}

type nameList struct {
	ids map[string]string
	at  time.Time
}

// ErrPlanned is said of a list that a plan did not read, being offline.
var ErrPlanned = errors.New("the list was not read")

func (n *names) list(name string) nameList {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lists[name]
}

func (n *names) put(name string, ids map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lists == nil {
		n.lists = make(map[string]nameList)
	}
	n.lists[name] = nameList{ids, time.Now()}
}

// renew forgets a list that may be out of date.
func (n *names) renew(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if time.Since(n.lists[name].at) >= namesSettled {
		delete(n.lists, name)
	}
}

// RenewNames has a list of Named read again, unless it was within the last minute: the desk may not
// have any more what a name stands for.
func (c *IDs) RenewNames(list string) { c.names.renew(list) }

// Named is the id of a name in a list of the desk's, "" if the list has no such name. The list is
// kept for an hour, and read again when a name is missing, though not within a minute. read reads
// the whole list: ids by name. It is called for one event at a time. Errors: those of read and of
// Doer.Await.
func (c *IDs) Named(ctx context.Context, do Doer, list, name string, read func(context.Context) (map[string]string, error)) (string, error) {
	for {
		known := c.names.list(list)
		id, age := known.ids[name], time.Since(known.at)
		if age < namesSettled || id != "" && age < namesLifetime {
			return id, nil
		}
		_, _, err := c.Find(ctx, do, "\x00names\x00"+list, func(ctx context.Context) (string, error) {
			if c.names.list(list).at != known.at {
				return "", nil // since another event has read it
			}
			ids, err := read(ctx)
			if err == nil {
				c.names.put(list, ids)
			}
			return "", err
		})
		if err != nil {
			return "", err
		}
	}
}
