package kustomer

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/deskstream/deskstream/internal/stub"
)

// The largest pages. Users and teams have more on one.
const (
	maxPage     = 100
	maxPageWide = 500
)

// paged is pagedOf with entries that are there.
func paged(r stub.Request, path string, most int, all []map[string]any) stub.Answer {
	return pagedOf(r, path, most, len(all), func(i int) map[string]any { return all[i] })
}

// pagedOf answers with a page of a list of n entries. There is no meta: some lists have it, and which
// is not said.
func pagedOf(r stub.Request, path string, most, n int, entry func(i int) map[string]any) stub.Answer {
	size := pageNumber(r.Query.Get("pageSize"), min(most, maxPage))
	number := pageNumber(r.Query.Get("page"), 1)
	size = min(size, most)
	from := min((number-1)*size, n)
	part := make([]map[string]any, min(size, n-from))
	for i := range part {
		part[i] = entry(from + i)
	}
	link := func(n int, there bool) any {
		if !there {
			return nil
		}
		q := url.Values{}
		maps.Copy(q, r.Query)
		q.Set("page", strconv.Itoa(n))
		q.Set("pageSize", strconv.Itoa(size))
		return path + "?" + q.Encode()
	}
	return stub.JSON(http.StatusOK, map[string]any{"data": part, "links": map[string]any{
		"self": link(number, true), "first": link(1, true),
		"prev": link(number-1, number > 1), "next": link(number+1, from+size < n),
	}})
}

func pageNumber(text string, without int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return without
}
