package trengo

import (
	"context"

	"github.com/deskstream/deskstream/sink"
)

// Find implements sink.Route's Find: tickets, notes and messages are looked for by what their
// marks hold.
func (c *Client) Find(do sink.Doer, step string) sink.Finder {
	if step == ticketStepName || step == ticketAgainName {
		return func(ctx context.Context, mark sink.Mark) (sink.Sighting, error) {
			p := &probe{
				kind: &tickets, made: c.ids.Made(), finds: c.ids, do: do, ref: do.Ref(step),
				like: mark[markContact] + "\x00" + mark[markChannel],
			}
			return p.find(ctx, mark)
		}
	}
	for _, r := range []*remark{&ticketNote, &ticketMessage, &contactNote} {
		if step == r.step {
			return func(ctx context.Context, mark sink.Mark) (sink.Sighting, error) {
				p := &probe{
					kind: &r.kind, made: c.ids.MadeOf(r.made), finds: c.ids, do: do, ref: do.Ref(step),
					like: r.step + "\x00" + mark[markOn] + "\x00" + mark[markText],
				}
				p.made.SetMaker(c.ids.Made().Maker())
				return p.find(ctx, mark)
			}
		}
	}
	return nil
}
