package console

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/live"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
)

// outcomesShown is how many outcomes the page shows.
const outcomesShown = 50

// outcomesBody is the page of the newest outcomes.
type outcomesBody struct {
	Filter outcomeFilter
	Rows   []outcomeRow
	// Looked is how many outcomes were looked at, Whole whether the topic has no more.
	Looked, Unreadable int
	Whole              bool
	Stream             string // the address of the stream
	Most               int
}

// outcomeFilter is the form of a filter of outcomes.
type outcomeFilter struct {
	Destinations []string
	Outcomes     []sink.Disposition
	Values       map[string]string // the first of each parameter
	More         []hiddenField
}

// outcomeRow is one outcome in a list.
type outcomeRow struct {
	Time, Destination, Outcome, Code, Message, Rule, Event, Name, Link, User string

	Round, Calls, Warnings int
}

// outcomeNames are the parameters by which outcomes are picked.
var outcomeNames = []string{"destination", "outcome", "code", "type", "rule", "user"}

// readOutcomeFilter reads the filter of an address. Its errors are config.FlagErrors.
func readOutcomeFilter(query url.Values, cfg *config.Config) (live.Filter, url.Values, error) {
	var f live.Filter
	if err := unknownField(query, outcomeNames, pageNames); err != nil {
		return live.Filter{}, nil, err
	}
	values := url.Values{}
	for name, list := range map[string]*[]string{
		"destination": &f.Destinations, "outcome": &f.Outcomes, "code": &f.Codes, "type": &f.Types, "rule": &f.Rules, "user": &f.Users,
	} {
		for _, value := range query[name] {
			if value = strings.TrimSpace(value); value != "" {
				values.Add(name, value)
				*list = append(*list, value)
			}
		}
		if len(*list) > maxValues {
			return live.Filter{}, nil, &config.FlagError{Err: fmt.Errorf("%s has more than %d values", name, maxValues)}
		}
	}
	for name, known := range map[string]struct{ values, known []string }{
		"destination": {f.Destinations, cfg.DestinationNames()}, "outcome": {f.Outcomes, dispositions()},
	} {
		for _, value := range known.values {
			if !slices.Contains(known.known, value) {
				return live.Filter{}, nil, &config.FlagError{Err: fmt.Errorf("%s: %q is not known%s", name, value, config.Suggest(value, known.known))}
			}
		}
	}
	return f, values, nil
}

func dispositions() []string {
	return []string{string(sink.Delivered), string(sink.Skipped), string(sink.Dead)}
}

// outcomes shows the newest outcomes. With JavaScript the page goes on with the stream.
func (c *Console) outcomes(v *visit) (content, error) {
	f, values, err := readOutcomeFilter(v.URL.Query(), v.cfg)
	if err != nil {
		return content{}, err
	}
	list, err := c.newest(v, f)
	if err != nil {
		return content{}, err
	}
	body := outcomesBody{
		Filter: v.outcomeForm(values), Looked: list.Looked, Whole: list.Whole, Unreadable: list.Unreadable, Most: outcomesShown,
		Stream: address("/outcomes/stream", v.keep(values)),
	}
	for i := range list.Rows {
		body.Rows = append(body.Rows, v.outcomeRow(&list.Rows[i]))
	}
	return content{title: "Live outcomes", template: "outcomes", body: body}, nil
}

func (v *visit) outcomeForm(values url.Values) outcomeFilter {
	f := outcomeFilter{
		Destinations: v.cfg.DestinationNames(), Outcomes: []sink.Disposition{sink.Delivered, sink.Skipped, sink.Dead}, Values: map[string]string{},
	}
	for _, name := range outcomeNames {
		f.Values[name] = values.Get(name)
		for _, value := range values[name][min(1, len(values[name])):] {
			f.More = append(f.More, hiddenField{name, value})
		}
	}
	if v.masker.show {
		f.More = append(f.More, hiddenField{"show", showPersonal})
	}
	return f
}

// maxLinked is the longest id of an event that is put into addresses of a list, in bytes.
const maxLinked = 100

func (v *visit) outcomeRow(r *live.Row) outcomeRow {
	row := outcomeRow{
		Time: r.At.UTC().Format(time.RFC3339), Destination: r.Destination, Outcome: string(r.Outcome), Code: r.Code, Message: v.masker.text(output.Line(r.Message)),
		Rule: r.Rule, Event: v.masker.id(cmp.Or(r.Type, "event")), Name: v.masker.id(r.Name), User: v.masker.person(r.User),
		Round: r.Round, Calls: r.Calls, Warnings: r.Warnings,
	}
	if r.ID != "" && len(r.ID) <= maxLinked && v.masker.id(r.ID) == r.ID { // the address would have what is masked
		row.Link = address("/event", v.keep(url.Values{"id": {r.ID}}))
	}
	return row
}

// responses is the responses topic of the configuration in effect. Its clients do not log: what is
// wrong with them is on the page.
func (c *Console) responses() (live.Source, error) {
	cfg, quiet := c.Config(), slog.New(slog.DiscardHandler)
	book, err := codec.Open(cfg, quiet)
	if err != nil {
		return live.Source{}, err
	}
	return live.Source{
		Topic: cfg.Responses.Topic,
		Connect: func(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
			return cluster.Connect(ctx, cfg, quiet, opts...)
		},
		Decode: func(ctx context.Context, r *kgo.Record) ([]byte, error) { return codec.JSON(ctx, book.Outcomes, r) },
		Close:  book.Close,
	}, nil
}
