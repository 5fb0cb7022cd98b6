package journal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// textsOf converts a list of names to strings.
func textsOf[T ~string](list []T) []string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = string(v)
	}
	return texts
}

// Wanted is a value of a filter that this program does not know. It may be right anyway: a
// destination that was renamed, the exception of another program, the type of a broken event.
// So the letters are read, and it is an error when none has it.
type Wanted struct {
	flag, value string
	known       []string // by this program or the configuration
	of          func(*letters.Letter) string
	seen        bool
	others      []string // what letters have instead
}

// mostOthers limits how many values of letters an error lists.
const mostOthers = 20

func (w *Wanted) look(l *letters.Letter) {
	has := w.of(l)
	if has == w.value {
		w.seen = true
	} else if has != "" && len(w.others) < mostOthers && !slices.Contains(w.known, has) && !slices.Contains(w.others, has) {
		w.others = append(w.others, has)
	}
}

// missing returns an error for a value that neither this program nor a letter knows. A code
// that can be the exception of another program gets a note instead.
func (j *Journal) missing() error {
	for _, w := range j.Wanted {
		switch {
		case w.seen:
		case w.flag == "code" && !isOwnForm(w.value):
			j.Note("no letter has the code %s", w.value)
		default:
			slices.Sort(w.others)
			return &config.FlagError{Err: fmt.Errorf("--%s: %q is not known, and no letter has it%s", w.flag, w.value, config.Suggest(w.value, append(w.known, w.others...)))}
		}
	}
	return nil
}

// isOwnForm reports whether a code is spelled like those of this program.
func isOwnForm(code string) bool {
	return strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// WantedBy returns the values of a filter that have to be looked for in the letters. The
// error is about a value that no letter can have.
func WantedBy(cfg *config.Config, f *letters.Filter) ([]*Wanted, error) {
	for flag, closed := range map[string]struct{ values, known []string }{
		"class":   {f.Classes, textsOf(sink.Classes())},
		"dialect": {f.Dialects, textsOf(letters.AllDialects())},
	} {
		for _, v := range closed.values {
			if !slices.Contains(closed.known, v) {
				return nil, &config.FlagError{Err: fmt.Errorf("--%s: %q is not known%s", flag, v, config.Suggest(v, closed.known))}
			}
		}
	}
	var list []*Wanted
	want := func(flag string, values, known []string, of func(*letters.Letter) string) {
		for _, v := range values {
			if !slices.Contains(known, v) && (flag != "code" || !sink.IsCode(mapping.Code(v))) {
				list = append(list, &Wanted{flag: flag, value: v, known: slices.Clip(known), of: of})
			}
		}
	}
	want("destination", f.Destinations, cfg.DestinationNames(), func(l *letters.Letter) string { return l.Destination })
	want("code", f.Codes, append(textsOf(sink.Codes()), "http_NNN"), func(l *letters.Letter) string { return l.Code })
	want("type", f.Types, mapping.Types(), func(l *letters.Letter) string { return l.EventType })
	return list, nil
}
