package console

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
)

// listBody is the page of single letters.
type listBody struct {
	Filter filterForm
	Words  string
	Total  int
	Rows   []letterRow
	Pages  paging
	// Beyond reports whether there are more letters than the pages show.
	Beyond bool
	Causes string // the address of their causes
	Plan   string // the address from which they are sent again, "" where nothing is picked or for who may not
}

// letterRow is one letter.
type letterRow struct {
	ID, Destination, Class, Code, Message, User, EventID, EventType, At string

	Written time.Time
	Status  letters.Status
	Round   int
	Link    string
}

// letterList shows the letters that a filter picks, the newest first.
func (c *Console) letterList(v *visit) (content, error) {
	p, err := readFilter(v.URL.Query(), time.Now())
	if err != nil {
		return content{}, err
	}
	kept := newestRows{most: perPage * maxPages}
	err = v.letters(p, func(ctx context.Context, box *journal.Journal) error {
		return box.Pick(ctx, p.picker, func(_ *kgo.Record, l *letters.Letter, status letters.Status) error {
			if !status.Closed() || p.All {
				kept.take(l, status)
			}
			return nil
		})
	})
	if err != nil {
		return content{}, err
	}
	rows := kept.list()
	body := listBody{
		Filter: v.form(p, "/letters/list"), Words: p.words(v.masker), Total: kept.total, Beyond: kept.total > len(rows),
		Causes: address("/letters", v.keep(p.query())),
	}
	if c.mayAct(v.person) && kept.total > 0 && len(p.values) > 0 {
		body.Plan = address("/letters/plan", p.query("all", ""))
	}
	pages, from, to := pagesOf(v, len(rows))
	body.Pages = pages
	body.Rows = v.masked(rows[from:to])
	return content{title: "Letters", template: "list", body: body}, nil
}

// masked are rows as the reader may see them.
func (v *visit) masked(rows []letterRow) (list []letterRow) {
	for _, row := range rows {
		row.Message, row.User, row.EventType = v.masker.text(row.Message), v.masker.person(row.User), v.masker.id(row.EventType)
		row.Link = address("/letter/"+url.PathEscape(row.ID), v.keep(url.Values{}))
		list = append(list, row)
	}
	return list
}

// newestRows keeps the newest letters, as many as the pages show, and counts all.
type newestRows struct {
	most, total int
	rows        []letterRow
}

// maxMessage is how much of a message a row keeps, in bytes.
const maxMessage = 300

func (n *newestRows) take(l *letters.Letter, status letters.Status) {
	n.total++
	row := letterRow{
		ID: l.ID, Destination: l.Destination, Class: l.Class, Code: l.Code, Message: l.Message, User: l.Lane, EventID: l.EventID, EventType: l.EventType,
		At: l.At.String(), Written: l.At.Timestamp, Status: status, Round: l.Round,
	}
	if l.Fault != "" {
		row.Message = l.Fault
	}
	if len(row.Message) > maxMessage {
		row.Message = strings.ToValidUTF8(row.Message[:maxMessage], "") + "..."
	}
	n.rows = append(n.rows, row)
	if len(n.rows) >= 2*n.most {
		n.cut()
	}
}

func (n *newestRows) cut() {
	slices.SortStableFunc(n.rows, func(a, b letterRow) int { return cmp.Or(b.Written.Compare(a.Written), cmp.Compare(a.ID, b.ID)) })
	n.rows = n.rows[:min(len(n.rows), n.most)]
}

func (n *newestRows) list() []letterRow {
	n.cut()
	return n.rows
}
