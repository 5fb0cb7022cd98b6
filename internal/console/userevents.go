package console

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/live"
)

// userBody is what the topics know of a user's events.
type userBody struct {
	Name     string // masked
	Outcomes []outcomeRow
	// Looked is how many outcomes were looked at, Whole whether the topic has no more.
	Looked  int
	Whole   bool
	Letters []letterRow
	Total   int    // letters
	List    string // the address of all letters
}

// userEvents shows the newest outcomes and letters of a user.
func (c *Console) userEvents(v *visit, user string) (content, error) {
	p, err := readFilter(url.Values{"user": {user}, "all": {"1"}}, time.Now())
	if err != nil {
		return content{}, err
	}
	list, err := c.newest(v, live.Filter{Users: []string{user}})
	if err != nil {
		return content{}, err
	}
	kept := newestRows{most: outcomesShown}
	err = v.letters(p, func(ctx context.Context, box *journal.Journal) error {
		return box.Pick(ctx, p.picker, func(_ *kgo.Record, l *letters.Letter, status letters.Status) error {
			kept.take(l, status)
			return nil
		})
	})
	if err != nil {
		return content{}, err
	}
	body := userBody{
		Name: v.masker.person(user), Looked: list.Looked, Whole: list.Whole, Letters: v.masked(kept.list()), Total: kept.total,
		List: address("/letters/list", v.keep(p.query())),
	}
	for i := range list.Rows {
		body.Outcomes = append(body.Outcomes, v.outcomeRow(&list.Rows[i]))
	}
	return content{title: "Events of a user", template: "event", body: eventBody{User: user, Of: &body}}, nil
}

// newest reads the newest outcomes that a filter picks.
func (c *Console) newest(v *visit, f live.Filter) (live.List, error) {
	list := live.List{Whole: true}
	err := v.read(func(ctx context.Context, _ journal.Options) error {
		source, err := c.responses()
		if err != nil {
			return err
		}
		defer source.Close()
		if list, err = live.Newest(ctx, source, f, outcomesShown); errors.Is(err, journal.ErrMissing) {
			list.Whole = true // nothing has an outcome yet
			return nil
		}
		return err
	})
	return list, err
}
