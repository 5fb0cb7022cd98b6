package trengo

import (
	"context"
	"html"
	"regexp"
	"strings"

	"github.com/deskstream/deskstream/mapping/trengo"
)

// The types of channels that matter here, as tickets and contacts show them.
const (
	whatsApp = "WA_BUSINESS"
	eMail    = "EMAIL"
)

// htmlOf is a text as HTML that shows it as it is.
func htmlOf(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n")
}

var tag = regexp.MustCompile(`<[^>]*>`)

// plainOf is the text that HTML shows, but for its blanks.
func plainOf(text string) string { return html.UnescapeString(tag.ReplaceAllString(text, " ")) }

// channelType is the type of the ticket's channel, "" for an unknown one.
func (w *work) channelType(ctx context.Context) (string, error) {
	if w.ticket.channel == "" && w.ticket.id != ticketPlaceholder {
		shown, _, err := w.show(ctx, w.ticket.id)
		if err != nil {
			return "", err
		}
		w.ticket.channel = shown.Get("channel", "type").Str()
	}
	if w.ticket.channel == "" && w.Contact.Kind == trengo.Email {
		return eMail, nil
	}
	return w.ticket.channel, nil
}
