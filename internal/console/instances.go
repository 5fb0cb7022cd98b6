package console

import (
	"context"
	"net/url"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/status"
)

// instancesBody is the page of the instances that run elsewhere.
type instancesBody struct{ Instances []instanceView }

// instanceView is one instance: what it knows of its destinations, or why it did not say.
type instanceView struct {
	URL, Version, Error string
	Pipelines           []remotePipeline
}

// remotePipeline is a destination of an instance.
type remotePipeline struct {
	status.Pipeline

	Oldest, Budget, ProbeIn, HeldFor string
}

// asking is how many instances are asked at a time.
const asking = 16

// instances shows what the instances say of themselves at this moment.
func (c *Console) instances(v *visit) (content, error) {
	body := instancesBody{Instances: make([]instanceView, len(c.Instances))}
	var wg sync.WaitGroup
	places := make(chan struct{}, asking)
	for i, address := range c.Instances {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			body.Instances[i] = v.instance(v.Context(), address)
		})
	}
	wg.Wait()
	return content{title: "Instances", template: "instances", body: body}, nil
}

func (v *visit) instance(ctx context.Context, address string) instanceView {
	answer := status.Ask(ctx, address)
	view := instanceView{URL: withoutPassword(address), Version: answer.Version, Error: v.masker.text(answer.Error)}
	for _, p := range answer.Pipelines {
		p.HoldCause, p.HoldNext = v.masker.text(p.HoldCause), v.masker.text(p.HoldNext)
		view.Pipelines = append(view.Pipelines, remotePipeline{
			Pipeline: p, Oldest: status.Age(p.OldestSeconds), Budget: status.BudgetText(p.Budget), HeldFor: heldFor(&p), ProbeIn: probeIn(&p),
		})
	}
	return view
}

// withoutPassword is a URL without the password that it may have.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that is no URL"
	}
	return u.Redacted()
}

// heldFor is how long a destination has been on hold, "" for one that is not.
func heldFor(p *status.Pipeline) string {
	since, err := time.Parse(time.RFC3339, p.HeldSince)
	if err != nil {
		return ""
	}
	return output.Roughly(time.Since(since))
}

// probeIn is when the next probe comes, "" where none does.
func probeIn(p *status.Pipeline) string {
	at, err := time.Parse(time.RFC3339, p.NextProbe)
	if err != nil {
		return ""
	}
	if wait := time.Until(at); wait > 0 {
		return "in " + output.Roughly(wait)
	}
	return "now"
}
