package kustomer

import (
	"net/url"

	"github.com/deskstream/deskstream/mapping"
)

// NextPage returns the encoded parameters of the page after a list's, "" after the last page and
// for what is no list. Vendor: links.next, which is null on the last page; some lists page by
// number, a few by a cursor.
func NextPage(answer mapping.Value) string {
	link, err := url.Parse(answer.Get("links", "next").Str())
	if err != nil || answer.Get("data").Kind() != mapping.Array {
		return ""
	}
	return link.RawQuery
}
