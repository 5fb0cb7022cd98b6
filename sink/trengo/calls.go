package trengo

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

func searchCall(c trengo.Contact, page int) sink.Call {
	query := url.Values{"page": {strconv.Itoa(page)}, "term": {c.Identifier}}
	return sink.Call{
		Op: "GET /contacts", Method: http.MethodGet, Path: "/contacts", Query: query.Encode(),
		Lookup: true, Accept: acceptHits(c),
	}
}

// createCall creates the contact in its channel. Trengo gives the contact that is
// there already, for e-mail addresses at least, so it may be repeated by a caller
// that looked before.
func createCall(c trengo.Contact) sink.Call {
	return sink.Call{
		Op: "POST /channels/{id}/contacts", Method: http.MethodPost,
		Path: "/channels/" + url.PathEscape(c.Channel.Text()) + "/contacts",
		Body: mapping.Obj(
			mapping.Member{Name: "name", Value: optional(c.Name)},
			mapping.Member{Name: "identifier", Value: mapping.Str(c.Identifier)},
			mapping.Member{Name: "channel_id", Value: c.Channel},
		),
	}
}

func updateCall(id, name string) sink.Call {
	return sink.Call{
		Op: "PUT /contacts/{id}", Method: http.MethodPut, Path: "/contacts/" + url.PathEscape(id),
		Body: mapping.Obj(mapping.Member{Name: "name", Value: mapping.Str(name)}),
	}
}

func ticketCall(contact mapping.Value, t trengo.OpenTicket) sink.Call {
	return sink.Call{
		Op: "POST /tickets", Method: http.MethodPost, Path: "/tickets",
		Body: mapping.Obj(
			mapping.Member{Name: "contact_id", Value: contact},
			mapping.Member{Name: "channel_id", Value: t.Channel},
			mapping.Member{Name: "subject", Value: optional(t.Subject)},
		),
	}
}

// optional is absent for an empty text, so that its member is left out.
func optional(s string) mapping.Value {
	if s == "" {
		return mapping.Value{}
	}
	return mapping.Str(s)
}
