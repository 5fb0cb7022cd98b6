package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/redrive"
)

// confirmBody is the page that asks before letters are changed.
type confirmBody struct {
	Action, Verb, Words string
	Count               int
	Fields              []hiddenField
	May                 bool // the reader may act
}

// askDiscard shows how many letters a filter picks, before they are discarded.
func (c *Console) askDiscard(v *visit) (content, error) {
	p, open, err := v.openOf(v.URL.Query())
	if err != nil {
		return content{}, err
	}
	body := confirmBody{Action: "/letters/discard", Verb: "Discard", Words: p.words(v.masker), Count: open, May: c.mayAct(v.person)}
	body.Fields = append(p.fields(), hiddenField{"count", strconv.Itoa(open)})
	return content{title: "Discard letters", template: "confirm", body: body}, nil
}

// pickedOpen reads a filter for letters that are to be changed: it must name something, so that
// nobody means all by mistake, and it picks open letters only.
func (v *visit) pickedOpen(query url.Values) (picked, error) {
	query.Del("all")
	p, err := readFilter(query, time.Now())
	if err == nil && len(p.values) == 0 {
		err = &config.FlagError{Err: errors.New("no filter says which letters are meant: begin at a cause, or filter the letters first")}
	}
	p.fix()
	return p, err
}

// openOf reads such a filter, and counts the open letters that it picks.
func (v *visit) openOf(query url.Values) (p picked, open int, err error) {
	if p, err = v.pickedOpen(query); err != nil {
		return p, 0, err
	}
	err = v.letters(p, func(ctx context.Context, box *journal.Journal) error {
		return box.Pick(ctx, p.picker, func(_ *kgo.Record, _ *letters.Letter, status letters.Status) error {
			if !status.Closed() {
				open++
			}
			return nil
		})
	})
	return p, open, err
}

// discard marks the open letters that a filter picks, if they are as many as the page has shown.
func (c *Console) discard(a *act) (string, error) {
	p, err := a.pickedOpen(a.PostForm)
	if err != nil {
		return "", err
	}
	shown, err := strconv.Atoi(a.PostFormValue("count"))
	if err != nil || shown < 1 {
		return "", &refusedError{http.StatusBadRequest, "the form does not say how many letters are meant: open the page again"}
	}
	wanted, err := journal.WantedBy(a.cfg, &p.filter)
	if err != nil {
		return "", err
	}
	how := redrive.DiscardOptions{Reason: a.reason, By: a.person.Name, Confirm: func(n int) error {
		if n != shown {
			return fmt.Errorf("%s fit by now, the page has shown %d: nothing was changed, look again", output.Count(n, "letter"), shown)
		}
		return nil
	}}
	return c.start(a, "discard", p.words(a.masker), func(ctx context.Context, j *job, o journal.Options) error {
		return redrive.Discard(ctx, redrive.Deployment{Options: o, Out: j}, redrive.PlanOptions{Picker: p.picker, Wanted: wanted, Limit: redrive.MaxLetters}, how)
	})
}
