package tally

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/topics"
)

// Destination is one pipeline to count for.
type Destination struct {
	// Name and Type are those of the configuration.
	Name, Type string
	// BaseURL is what the URLs of calls begin with.
	BaseURL string
}

// Book takes in records in any order. It is safe for concurrent use.
type Book struct {
	// Text, if set, makes JSON of a record's value, whatever form it has.
	Text func(value []byte) []byte
	// Origins, if set, are the source topics as they are now, by their names. Outcomes of an
	// earlier topic of the name, or of another cluster, are then not those of the events.
	Origins map[string]topics.Origin

	mu      sync.Mutex
	reader  *mapping.Reader
	events  map[place]event
	marks   map[string]place
	desks   []*desk
	letters map[string]int // by dlq.id
	// strange counts records on the responses topic that are no outcome of a destination.
	strange int
	// foreign counts outcomes of this run whose source is none of the Origins.
	foreign int
	// ambiguous counts events whose mark another one has.
	ambiguous int
}

// place is where an event stands.
type place struct {
	topic     string
	partition int32
	offset    int64
}

func (p place) String() string { return fmt.Sprintf("%s/%d/%d", p.topic, p.partition, p.offset) }

func placeOf(r *kgo.Record) place { return place{r.Topic, r.Partition, r.Offset} }

// event is what is kept of an event.
type event struct {
	lane string
	mark string
}

// desk is what is counted of one destination.
type desk struct {
	Destination
	outcomes map[place]int
	became   map[string]int // by disposition and, behind a blank, its reason
	dead     map[string]place
	listed   map[request]int // attempts
	kinds    map[string]*kind
	known    map[string]bool // lanes for which an earlier event found or made the vendor's id
}

// request is a call as far as it can be told from outside.
type request struct{ method, target string }

func (r request) String() string { return r.method + " " + r.target }

// kind counts the events of one type. Warm are those that made a call when an earlier
// event of their lane had found the vendor's id of its user.
type kind struct{ events, calls, warmEvents, warmCalls int }

// NewBook makes a Book for destinations, with the reader of events, which knows their lanes.
func NewBook(reader *mapping.Reader, destinations ...Destination) *Book {
	b := &Book{
		reader: reader, events: make(map[place]event), marks: make(map[string]place), letters: make(map[string]int),
	}
	for _, d := range destinations {
		b.desks = append(b.desks, &desk{
			Destination: d, outcomes: make(map[place]int), became: make(map[string]int),
			dead: make(map[string]place), listed: make(map[request]int), kinds: make(map[string]*kind),
			known: make(map[string]bool),
		})
	}
	return b
}

func (b *Book) text(value []byte) []byte {
	if b.Text == nil {
		return value
	}
	return b.Text(value)
}

// Event takes in a record of a source topic.
func (b *Book) Event(r *kgo.Record) {
	text := b.text(r.Value)
	e := event{lane: b.reader.Lane(mapping.JSON, text, r.Key), mark: sample.FindMark(text)}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events[placeOf(r)] = e
	if e.mark == "" {
		return
	}
	if _, taken := b.marks[e.mark]; taken {
		b.ambiguous++
	}
	b.marks[e.mark] = placeOf(r)
}

// outcome is what is read of a record of the responses topic.
type outcome struct {
	Event struct {
		Type *string `json:"type"`
		Lane string  `json:"lane"`
	} `json:"event"`
	Destination struct {
		Name string `json:"name"`
	} `json:"destination"`
	Outcome string `json:"outcome"`
	Calls   []struct {
		Method   string `json:"method"`
		URL      string `json:"url"`
		Attempts int    `json:"attempts"`
	} `json:"calls"`
	IDs    map[string]string `json:"ids"`
	Reason *string           `json:"reason"`
	Error  *struct {
		Class string `json:"class"`
		Code  string `json:"code"`
	} `json:"error"`
	DLQID  *string `json:"dlq_id"`
	Source *struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
		Offset    int64  `json:"offset"`
	} `json:"source"`
}

// Outcome takes in a record of the responses topic, and counts the calls that it lists.
func (b *Book) Outcome(r *kgo.Record) {
	if b.ofAnother(r) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.foreign++
		return
	}
	b.outcome(r, (*desk).list)
}

// EarlierOutcome is Outcome for a record from before the help desks began to count:
// its calls are not expected there.
func (b *Book) EarlierOutcome(r *kgo.Record) {
	if !b.ofAnother(r) {
		b.outcome(r, func(*desk, outcome) {})
	}
}

// ofAnother reports whether the headers of an outcome name another topic than that of the
// events, or another cluster.
func (b *Book) ofAnother(r *kgo.Record) bool {
	entry, ok := topics.ParseEntry(r)
	return ok && !b.Origins[entry.Topic].Matches(entry.Origin)
}

func (b *Book) outcome(r *kgo.Record, list func(*desk, outcome)) {
	if topics.IsForOwners(r) {
		return
	}
	var o outcome
	err := json.Unmarshal(b.text(r.Value), &o)
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.desk(o.Destination.Name)
	if err != nil || d == nil || o.Source == nil {
		b.strange++
		return
	}
	at := place{o.Source.Topic, o.Source.Partition, o.Source.Offset}
	d.outcomes[at]++
	d.became[o.became()]++
	if o.DLQID != nil {
		d.dead[*o.DLQID] = at
	}
	list(d, o)
}

func (b *Book) desk(name string) *desk {
	for _, d := range b.desks {
		if d.Name == name {
			return d
		}
	}
	return nil
}

func (o outcome) became() string {
	switch {
	case o.Error != nil:
		return o.Outcome + " " + o.Error.Class + "/" + o.Error.Code
	case o.Reason != nil:
		return o.Outcome + " " + *o.Reason
	default:
		return o.Outcome
	}
}

// list counts an outcome's calls.
func (d *desk) list(o outcome) {
	name := "(none)"
	if o.Event.Type != nil {
		name = *o.Event.Type
	}
	k := d.kinds[name]
	if k == nil {
		k = &kind{}
		d.kinds[name] = k
	}
	calls := 0
	for _, c := range o.Calls {
		calls += c.Attempts
		d.listed[request{c.Method, d.target(c.URL)}] += c.Attempts
	}
	k.events++
	k.calls += calls
	if calls > 0 && d.known[o.Event.Lane] {
		k.warmEvents++
		k.warmCalls += calls
	}
	if o.Event.Lane != "" && (o.IDs["contact_id"] != "" || o.IDs["customer_id"] != "") {
		d.known[o.Event.Lane] = true
	}
}

// target is a URL without what the destination's URLs begin with.
func (d *desk) target(full string) string {
	rest, found := strings.CutPrefix(full, strings.TrimSuffix(d.BaseURL, "/"))
	if !found {
		return full
	}
	// Path and query are spelled as net/http sends them.
	if u, err := url.Parse(rest); err == nil {
		return u.RequestURI()
	}
	return rest
}

// Letter takes in a record of the dead-letter topic.
func (b *Book) Letter(r *kgo.Record) {
	id := ""
	for _, h := range r.Headers {
		if h.Key == "dlq.id" {
			id = string(h.Value) // the last one is ours, what came before was there already
		}
	}
	if l := letters.Parse(r); l.Own() && !b.Origins[l.Source.Topic].Matches(l.Source.Record().Origin) {
		return // of an event that is not among ours
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters[id]++
}

// Progress is how far one destination is.
type Progress struct {
	Destination
	// Events is how many came in, Settled for how many of them there is an outcome.
	Events, Settled int
	// Became counts outcomes by disposition.
	Became map[string]int
}

// Progress tells how far each destination is.
func (b *Book) Progress() []Progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Progress, len(b.desks))
	for i, d := range b.desks {
		all[i] = Progress{Destination: d.Destination, Events: len(b.events), Settled: len(d.outcomes), Became: d.dispositions()}
	}
	return all
}

func (d *desk) dispositions() map[string]int {
	counts := make(map[string]int)
	for became, n := range d.became {
		disposition, _, _ := strings.Cut(became, " ")
		counts[disposition] += n
	}
	return counts
}
