package console

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
)

// perPage is how many rows a page shows, and maxPages how many pages there are: who looks for more
// narrows the filter.
const (
	perPage  = 100
	maxPages = 100
)

// causesPerPage is how many causes a page shows: each has more text than a row.
const causesPerPage = 80

// causesBody is the page of the dead letters by cause.
type causesBody struct {
	Filter  filterForm
	Words   string
	Total   int // letters
	Causes  int
	Rows    []causeRow
	Pages   paging
	Letters string // the address of the single letters
}

// causeRow is one cause.
type causeRow struct {
	letters.Group
	Message, User string
	Statuses      []statusCount
	Trend         trend
	// List is the address of its letters, Sample that of one of them.
	List, Sample string
	// Plan and Discard are the addresses from which they are sent again and discarded, "" for who may
	// not.
	Plan, Discard string
}

// statusCount is how many letters have a status.
type statusCount struct {
	Status letters.Status
	Count  int
}

// paging is where a page is among others.
type paging struct {
	Page, Last     int
	Previous, Next string // addresses, "" for none
}

// pageOf is the number of a page in the address, from 1 up.
func pageOf(query url.Values) int {
	n, err := strconv.Atoi(query.Get("page"))
	if err != nil {
		return 1
	}
	return max(n, 1)
}

// pagesOf returns where a page is of so many rows, and the rows that are on it.
func pagesOf(v *visit, rows int) (p paging, from, to int) { return pagesBy(v, rows, perPage, maxPages) }

// pagesBy is pagesOf with so many rows a page, and at most so many pages.
func pagesBy(v *visit, rows, perPage, most int) (p paging, from, to int) {
	p.Last = min(max((rows+perPage-1)/perPage, 1), most)
	p.Page = min(pageOf(v.URL.Query()), p.Last)
	link := func(n int) string {
		q := v.URL.Query()
		q.Set("page", strconv.Itoa(n))
		return address(v.URL.Path, q)
	}
	if p.Page > 1 {
		p.Previous = link(p.Page - 1)
	}
	if p.Page < p.Last {
		p.Next = link(p.Page + 1)
	}
	return p, min((p.Page-1)*perPage, rows), min(p.Page*perPage, rows)
}

// causes shows dead letters by their cause.
func (c *Console) causes(v *visit) (content, error) {
	p, err := readFilter(v.URL.Query(), time.Now())
	if err != nil {
		return content{}, err
	}
	var groups []*letters.Group
	err = v.letters(p, func(ctx context.Context, box *journal.Journal) (err error) {
		groups, err = box.Groups(ctx, p.picker, p.All)
		return err
	})
	if err != nil {
		return content{}, err
	}
	body := causesBody{
		Filter: v.form(p, "/letters"), Words: p.words(v.masker), Causes: len(groups),
		Letters: address("/letters/list", v.keep(p.query())),
	}
	for _, g := range groups {
		body.Total += g.Count
	}
	pages, from, to := pagesBy(v, len(groups), causesPerPage, maxPages)
	body.Pages = pages
	for _, g := range groups[from:to] {
		body.Rows = append(body.Rows, v.causeRow(p, g))
	}
	return content{title: "Dead letters", template: "causes", body: body}, nil
}

func (v *visit) causeRow(p picked, g *letters.Group) causeRow {
	row := causeRow{
		Group: *g, Trend: trendOf(g.Hours), Message: v.masker.text(g.Sample.Message), User: v.masker.person(g.Sample.User),
		List:   address("/letters/list", v.keep(p.query(ofCause(g)...))),
		Sample: address("/letter/"+url.PathEscape(g.Sample.ID), v.keep(url.Values{})),
	}
	row.Group.Sample.EventType = v.masker.id(g.Sample.EventType)
	if v.console.mayAct(v.person) && g.Statuses[letters.Open]+g.Statuses[letters.Sending] > 0 {
		row.Plan = address("/letters/plan", p.query(append(ofCause(g), "all", "")...))
		row.Discard = address("/letters/discard", p.query(append(ofCause(g), "all", "")...))
	}
	for _, s := range []letters.Status{letters.Open, letters.Sending, letters.Delivered, letters.Skipped, letters.Died, letters.Discarded} {
		if n := g.Statuses[s]; n > 0 {
			row.Statuses = append(row.Statuses, statusCount{s, n})
		}
	}
	return row
}

// maxFingerprint is the longest name of a cause that is put into addresses. Ours have 16 bytes; a
// header can have any.
const maxFingerprint = 64

// ofCause are the parameters that pick the letters of a cause. Where its name is too long, they pick
// the one that stands for the others.
func ofCause(g *letters.Group) []string {
	if len(g.Fingerprint) > maxFingerprint {
		return []string{"id", g.Sample.ID}
	}
	return []string{"fingerprint", g.Fingerprint}
}

// letters opens the dead letters that a filter can pick.
func (v *visit) letters(p picked, fn func(context.Context, *journal.Journal) error) error {
	return v.read(func(ctx context.Context, o journal.Options) error {
		wanted, err := journal.WantedBy(v.cfg, &p.filter)
		if err != nil {
			return err
		}
		box, err := journal.Open(ctx, o)
		if err != nil {
			return err
		}
		defer box.Close()
		box.Wanted = wanted
		return fn(ctx, box)
	})
}

// keep adds to parameters of an address that personal data is shown, if it is.
func (v *visit) keep(q url.Values) url.Values {
	if q == nil {
		q = url.Values{}
	}
	if v.masker.show {
		q.Set("show", showPersonal)
	}
	return q
}

// filterForm is the form of a filter, whose fields are the parameters of its address.
type filterForm struct {
	Action       string
	Values       map[string]string // the first of each
	More         []hiddenField     // what has no field
	Destinations []string
	All          bool
}

type hiddenField struct{ Name, Value string }

// formFields are the parameters that have a field of the form.
var formFields = []string{"destination", "class", "code", "since", "until", "user", "fingerprint"}

func (v *visit) form(p picked, action string) filterForm {
	f := filterForm{Action: action, Values: map[string]string{}, Destinations: v.cfg.DestinationNames(), All: p.All}
	for _, name := range formFields {
		f.Values[name] = p.values.Get(name)
	}
	for _, name := range filterNames {
		values := p.values[name]
		if _, has := f.Values[name]; has && len(values) > 0 {
			values = values[1:]
		}
		for _, value := range values {
			f.More = append(f.More, hiddenField{name, value})
		}
	}
	if v.masker.show {
		f.More = append(f.More, hiddenField{"show", showPersonal})
	}
	return f
}
