package console

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/letters"
)

// filterNames are the parameters by which letters are picked: those of dlq's flags.
var filterNames = []string{
	"destination", "class", "code", "status", "type", "fingerprint", "user", "id", "dialect", "since", "until", "partition", "offset",
}

// Parameters of every page, and of the pages and forms of letters beside the filter.
var (
	pageNames  = []string{"page", "show"}
	askedNames = []string{"all", "reason", "count", "to", "superseded"}
)

// picked is a filter of letters as an address has it.
type picked struct {
	filter letters.Filter
	picker letters.Picker
	// values are what the address gives, All whether letters that are closed are meant too.
	values url.Values
	All    bool
}

// maxValues is how many values one parameter may have.
const maxValues = 100

// readFilter reads the filter of an address. Its errors are config.FlagErrors.
func readFilter(query url.Values, now time.Time) (picked, error) {
	if err := unknownField(query, filterNames, askedNames, pageNames); err != nil {
		return picked{}, err
	}
	p := picked{values: url.Values{}, All: query.Get("all") == "1"}
	for _, name := range filterNames {
		for _, value := range query[name] {
			if value = strings.TrimSpace(value); value != "" {
				p.values.Add(name, value)
			}
		}
		if len(p.values[name]) > maxValues {
			return picked{}, &config.FlagError{Err: fmt.Errorf("%s has more than %d values", name, maxValues)}
		}
	}
	if err := p.read(now); err != nil {
		return picked{}, &config.FlagError{Err: err}
	}
	var err error
	if p.picker, err = p.filter.Compile(); errors.Is(err, letters.ErrEmptyFilter) {
		p.picker = letters.Every()
	}
	return p, nil
}

func (p *picked) read(now time.Time) (err error) {
	v, f := p.values, &p.filter
	f.IDs, f.Fingerprints, f.Destinations, f.Classes = lower(v["id"]), lower(v["fingerprint"]), v["destination"], v["class"]
	f.Codes, f.Types, f.Users, f.Dialects = v["code"], v["type"], v["user"], v["dialect"]
	if f.Statuses, err = numbers(v["status"]); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	if f.Partitions, err = numbers(v["partition"]); err != nil {
		return fmt.Errorf("partition: %w", err)
	}
	for _, text := range v["offset"] {
		r, err := letters.ParseRange(text)
		if err != nil {
			return fmt.Errorf("offset: %w", err)
		}
		f.Offsets = append(f.Offsets, r)
	}
	if f.Since, err = moment(v, "since", now); err != nil {
		return err
	}
	f.Until, err = moment(v, "until", now)
	return err
}

// moment reads a time of a filter, which may be there once.
func moment(values url.Values, name string, now time.Time) (time.Time, error) {
	if len(values[name]) > 1 {
		return time.Time{}, fmt.Errorf("%s is given %d times: give it once", name, len(values[name]))
	}
	at, err := letters.ParseTime(strings.TrimSpace(values.Get(name)), now)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", name, err)
	}
	return at, nil
}

// fix replaces times that are relative to now, such as 2h, by what they are at this moment: a form
// means the letters that its page has shown, however late it is sent.
func (p *picked) fix() {
	for name, at := range map[string]time.Time{"since": p.filter.Since, "until": p.filter.Until} {
		if !at.IsZero() {
			p.values.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
}

// fields are the filter as fields of a form.
func (p *picked) fields() []hiddenField {
	var list []hiddenField
	for _, name := range filterNames {
		for _, value := range p.values[name] {
			list = append(list, hiddenField{name, value})
		}
	}
	return list
}

func lower(list []string) []string {
	list = slices.Clone(list)
	for i, text := range list {
		list[i] = strings.ToLower(text)
	}
	return list
}

func numbers(texts []string) ([]int, error) {
	var list []int
	for _, text := range texts {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", text)
		}
		list = append(list, n)
	}
	return list, nil
}

// words says in words which letters are meant, for pages and for the log.
func (p *picked) words(m *masker) string {
	var parts []string
	for _, name := range filterNames {
		values := slices.Clone(p.values[name])
		if len(values) == 0 {
			continue
		}
		if name == "user" {
			for i, user := range values {
				values[i] = m.person(user)
			}
		}
		parts = append(parts, name+" "+strings.Join(values, " or "))
	}
	which := "open letters"
	if p.All {
		which = "letters, open and closed"
	}
	if len(parts) == 0 {
		return "all " + which
	}
	return which + " with " + strings.Join(parts, ", ")
}

// query is the filter as parameters of an address, with further ones.
func (p *picked) query(more ...string) url.Values {
	q := url.Values{}
	for name, values := range p.values {
		q[name] = slices.Clone(values)
	}
	if p.All {
		q.Set("all", "1")
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] == "" {
			q.Del(more[i])
			continue
		}
		q.Set(more[i], more[i+1])
	}
	return q
}
