package processor

import (
	"log/slog"
	"sync"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// deaths log events that are dead-lettered, without anything of the event: of each class and code the
// first, the tenth, the hundredth and so on, since the process began.
type deaths struct {
	log *slog.Logger

	mu     sync.Mutex
	events map[cause]int
}

type cause struct {
	class sink.Class
	code  mapping.Code
}

// note takes in an outcome.
func (d *deaths) note(o *sink.Outcome) {
	if o.Outcome != sink.Dead || o.Error == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.events == nil {
		d.events = make(map[cause]int)
	}
	of := cause{o.Error.Class, o.Error.Code}
	d.events[of]++
	n := d.events[of]
	for ten := 1; ten <= n; ten *= 10 {
		if ten == n {
			info := sink.InfoOfCode(of.code)
			d.log.Warn("event dead-lettered, see deskstream dlq list", "class", of.class, "code", of.code, "fault", info.Fault, "cause", info.Cause,
				"stage", o.Error.Stage, "events", n)
		}
	}
}
