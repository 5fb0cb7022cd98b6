package trengo

import (
	"net/url"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
)

// NextPage returns the encoded parameters of the page after a list's, "" after the last page and
// for what is no list. Vendor: big lists have links.next, which is null on the last page; short
// ones tell their last page.
func NextPage(answer mapping.Value) string {
	if answer.Get("data").Kind() != mapping.Array {
		return ""
	}
	if link, err := url.Parse(answer.Get("links", "next").Str()); err == nil && link.RawQuery != "" {
		return link.RawQuery
	}
	meta := answer.Get("meta")
	current, err := strconv.Atoi(scalar(meta.Get("current_page")))
	last, lastErr := strconv.Atoi(scalar(meta.Get("last_page")))
	if err != nil || lastErr != nil || current < 1 || current >= last {
		return ""
	}
	return "page=" + strconv.Itoa(current+1)
}
