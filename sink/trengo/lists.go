package trengo

import (
	"context"
	"strings"

	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// directories are the lists of what rules name.
var directories = map[rules.Sort]directory{
	rules.TeamNames: teams, rules.UserNames: users, rules.LabelNames: labels, rules.ResultNames: results, rules.ChannelNames: channels,
	rules.GroupNames:        groups,
	rules.ContactFieldNames: contactFields, rules.TicketFieldNames: ticketFields,
}

// Names reads the ids of all that Trengo has of a sort, by name; "" for a name that several have.
// ok is false where Trengo has no list of the sort. Errors: those of do.
func Names(ctx context.Context, do sink.Doer, sort rules.Sort) (ids map[string]string, ok bool, err error) {
	d, ok := directories[sort]
	if !ok {
		return nil, false, nil
	}
	w := &work{sending: sending{do: do}}
	all, err := w.read(ctx, d)
	if err != nil {
		return nil, true, err
	}
	ids = make(map[string]string, len(all))
	for name, id := range all {
		if name, of := strings.CutPrefix(name, d.in("")); of { // the list of fields has those of all kinds
			ids[name] = id
		}
	}
	return ids, true, nil
}
