package console

import (
	"context"
	"net/url"
	"strings"

	"github.com/deskstream/deskstream/internal/explain"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
)

// eventBody is the page of the story of an event.
type eventBody struct {
	ID       string
	Asked    bool
	Read     []letters.Place
	Progress []progressView
	Outcomes []outcomeView
	Letters  []storyLetter
	Out      int    // outcomes, places, steps and letters that have no place on the page
	Original string // the address of all of it, "" for who may not see that
	// User is who was asked for instead, Of what is known of this user's events.
	User string
	Of   *userBody
}

// progressView is what was on record before an outcome.
type progressView struct {
	explain.StoryProgress
	Steps []string
}

// storyLetter is a letter of the event.
type storyLetter struct {
	explain.StoryLetter
	Link string
}

// event shows the story of the events with a messageId, or the newest events of a user.
func (c *Console) event(v *visit) (content, error) {
	if err := unknownField(v.URL.Query(), []string{"id", "user"}, pageNames); err != nil {
		return content{}, err
	}
	id := strings.TrimSpace(v.query("id"))
	shown := content{title: "Event", template: "event", body: eventBody{}}
	if user := strings.TrimSpace(v.query("user")); id == "" && user != "" {
		return c.userEvents(v, user)
	}
	if id == "" {
		return shown, nil
	}
	var story *explain.Story
	err := v.read(func(ctx context.Context, o journal.Options) (err error) {
		story, err = explain.Event(ctx, o, id)
		return err
	})
	if err != nil {
		return content{}, err
	}
	places, outcomes, steps, list := room{left: maxPlacesPart}, room{left: maxOutcomesPart}, room{left: maxStepsPart}, room{left: maxLettersPart}
	body := eventBody{ID: id, Asked: true, Outcomes: v.outcomes(&outcomes, story.Outcomes)}
	for _, place := range story.Read {
		if places.has(itemMarkup) {
			body.Read = append(body.Read, place)
		}
	}
	for _, p := range story.Progress {
		if steps.has(itemMarkup) {
			body.Progress = append(body.Progress, progressView{p, steps.lines(letters.StepTexts(&p.Progress))})
		}
	}
	if c.maySee(v.person) {
		body.Original = address("/event/original", url.Values{"id": {id}})
	}
	for _, l := range story.Letters {
		if !list.has(itemMarkup) {
			continue
		}
		body.Letters = append(body.Letters, storyLetter{l, address("/letter/"+url.PathEscape(l.ID), v.keep(url.Values{}))})
	}
	body.Out = places.Out + outcomes.Out + steps.Out + list.Out
	shown.body = body
	return shown, nil
}
