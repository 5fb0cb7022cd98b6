package receive

import (
	"context"
	"time"

	"github.com/deskstream/deskstream/internal/hooks"
	"github.com/deskstream/deskstream/internal/wiring"
)

// lookEvery is the time between two looks at the registrations of a desk: a call or two.
const lookEvery = 10 * time.Minute

// notAsWanted notes registrations that were not as the configuration wants them.
const notAsWanted = "not as wanted"

// watchRegistrations shows how many registrations the desks have in each state, until ctx ends. A
// desk may switch one off, and then sends nothing.
func (r *receiver) watchRegistrations(ctx context.Context) error {
	if r.Config.Inbound.PublicURL == "" {
		return nil // nobody has said where they are
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	logged := make(map[string]string)
	for {
		for _, h := range r.hooks {
			if len(h.Config.Webhooks.Events) > 0 {
				r.lookAtRegistrations(ctx, h, logged)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// lookAtRegistrations looks at those of one destination. logged are the latest texts by destination.
func (r *receiver) lookAtRegistrations(ctx context.Context, h *hook, logged map[string]string) {
	name := h.Config.Name
	rows, err := hooks.Compare(ctx, hooks.Options{Config: r.Config, Senders: []wiring.Sender{h.Sender}})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		if logged[name] != err.Error() {
			logged[name] = err.Error()
			h.log.Warn("the desk's registrations of webhooks cannot be read, trying again in ten minutes", "err", err)
		}
		return
	}
	counts := map[hooks.State]int{hooks.Registered: 0, hooks.Missing: 0, hooks.Off: 0, hooks.Differs: 0, hooks.Extra: 0}
	for _, row := range rows {
		counts[row.State]++
	}
	for state, n := range counts {
		if state != hooks.Foreign {
			r.metrics.registrations.WithLabelValues(name, string(state)).Set(float64(n))
		}
	}
	text, was := "", logged[name]
	if bad := counts[hooks.Missing] + counts[hooks.Off] + counts[hooks.Differs]; bad > 0 {
		text = notAsWanted
		if logged[name] != text {
			h.log.Error("webhooks are not registered as the configuration wants them, the desk sends less: run deskstream webhooks apply",
				"missing", counts[hooks.Missing], "off", counts[hooks.Off], "differ", counts[hooks.Differs])
		}
	} else if was != "" {
		h.log.Info("webhooks are registered as the configuration wants them")
		if was == notAsWanted {
			h.gaps.registered(time.Now())
		}
	}
	logged[name] = text
}
