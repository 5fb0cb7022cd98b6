package trengo

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/deskstream/deskstream/internal/stub"
)

// Pages of Trengo: how many entries one holds.
const (
	listPage    = 25 // of contacts and tickets
	messagePage = 20
)

// pager is Laravel's simple paginator: links.last is null and meta has no total.
type pager struct {
	path  string // of the list, below the API
	query url.Values
	size  int
}

// number is the page that the query asks for, from 1.
func (p pager) number() int {
	n, err := strconv.Atoi(p.query.Get("page"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

func (p pager) skip() int { return (p.number() - 1) * p.size }

// pageOf returns the page's part of a list, and whether more follows.
func pageOf[T any](p pager, all []T) (part []T, more bool) {
	from, to := min(p.skip(), len(all)), min(p.skip()+p.size, len(all))
	return all[from:to], to < len(all)
}

// answer is the page, with n entries in data.
func (p pager) answer(data any, n int, more bool) stub.Answer {
	return stub.JSON(http.StatusOK, p.body(data, n, more))
}

func (p pager) body(data any, n int, more bool) map[string]any {
	link := func(number int, exists bool) any {
		if !exists {
			return nil
		}
		q := url.Values{}
		maps.Copy(q, p.query)
		q.Set("page", strconv.Itoa(number))
		return "https://app.trengo.com/api/v2" + p.path + "?" + q.Encode()
	}
	meta := map[string]any{
		"current_page": p.number(), "per_page": p.size, "path": "https://app.trengo.com/api/v2" + p.path,
		"from": nil, "to": nil,
	}
	if n > 0 {
		meta["from"], meta["to"] = p.skip()+1, p.skip()+n
	}
	return map[string]any{
		"data": data, "meta": meta,
		"links": map[string]any{
			"first": link(1, true), "last": nil,
			"prev": link(p.number()-1, p.number() > 1), "next": link(p.number()+1, more),
		},
	}
}
