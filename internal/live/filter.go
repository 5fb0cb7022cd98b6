package live

import (
	"bytes"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Filter picks outcomes: those with one of the values of each list that is not empty. A user is the
// lane of the event, a code that of a dead event or the reason of a skipped one.
type Filter struct{ Destinations, Outcomes, Codes, Types, Rules, Users []string }

// inHeaders reports whether the headers and the key of an outcome decide all that the filter asks.
func (f *Filter) inHeaders() bool { return len(f.Codes)+len(f.Types)+len(f.Rules) == 0 }

// takes reports whether the filter picks an outcome.
func (f *Filter) takes(row *Row) bool {
	return has(f.Destinations, row.Destination) && has(f.Outcomes, string(row.Outcome)) && has(f.Codes, row.Code) &&
		has(f.Types, row.Type) && has(f.Rules, row.Rule) && has(f.Users, row.User)
}

func has(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }

// sieve is a filter that finds out without decoding an outcome that it does not pick it.
type sieve struct {
	Filter

	texts [][][]byte // of each list, each value as it stands in JSON and in Avro
	keys  [][]byte   // the keys of the users' outcomes
}

func newSieve(f Filter) *sieve {
	s := &sieve{Filter: f}
	for _, list := range [][]string{f.Codes, f.Types, f.Rules} {
		var texts [][]byte
		for _, value := range list {
			texts = append(texts, []byte(value))
			if inJSON := bytes.Trim(mapping.Str(value).AppendJSON(nil), `"`); !bytes.Equal(inJSON, texts[len(texts)-1]) {
				texts = append(texts, inJSON)
			}
		}
		if texts != nil {
			s.texts = append(s.texts, texts)
		}
	}
	for _, user := range f.Users {
		s.keys = append(s.keys, []byte(user))
	}
	return s
}

// glance is what the headers of a record say.
type glance struct {
	rec         *kgo.Record
	destination []byte
	outcome     sink.Disposition
}

// glanceAt looks at a record. ok is false for one that is no outcome.
func glanceAt(rec *kgo.Record) (g glance, ok bool) {
	g.rec = rec
	g.destination, g.outcome, ok = topics.GlanceAt(rec)
	return g, ok
}

// mayTake reports whether the filter can pick an outcome, as far as that is seen without decoding.
func (s *sieve) mayTake(g glance) bool {
	if len(s.Destinations) > 0 && !slices.Contains(s.Destinations, string(g.destination)) {
		return false
	}
	if len(s.Outcomes) > 0 && !slices.Contains(s.Outcomes, string(g.outcome)) {
		return false
	}
	if len(s.keys) > 0 && !slices.ContainsFunc(s.keys, func(key []byte) bool { return bytes.Equal(key, g.rec.Key) }) {
		return false
	}
	for _, texts := range s.texts {
		if !slices.ContainsFunc(texts, func(text []byte) bool { return bytes.Contains(g.rec.Value, text) }) {
			return false
		}
	}
	return true
}
