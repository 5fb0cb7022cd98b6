package kustomer

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// listCustomers lists the customers: by filter[createdAt] and filter[updatedAt] with gt, gte, lt or
// lte, in the order of sort, createdAt or updatedAt, with a dash for the newest first. Without sort
// their order is that of their ids, since no other is documented.
func (k *kustomer) listCustomers(r stub.Request) stub.Answer {
	list := k.customers.list(customerFilter(r), customerOrder(r.Query.Get("sort")))
	return pagedOf(r, "/v1/customers", maxPage, len(list), func(i int) map[string]any {
		return list[i].envelope()["data"].(map[string]any)
	})
}

// times are the moments that a customer is found and sorted by.
var times = map[string]func(customer) time.Time{
	"createdAt": func(c customer) time.Time { return c.createdAt.Truncate(time.Millisecond) },
	"updatedAt": func(c customer) time.Time { return c.updatedAt.Truncate(time.Millisecond) },
}

// comparisons are the operators of filters, by how a moment compares with what they name.
var comparisons = map[string]func(int) bool{
	"gt": func(c int) bool { return c > 0 }, "gte": func(c int) bool { return c >= 0 },
	"lt": func(c int) bool { return c < 0 }, "lte": func(c int) bool { return c <= 0 },
}

func customerFilter(r stub.Request) func(customer) bool {
	var tests []func(customer) bool
	for name, of := range times {
		for operator, holds := range comparisons {
			text := r.Query.Get("filter[" + name + "][" + operator + "]")
			if at, err := time.Parse(time.RFC3339, text); err == nil {
				tests = append(tests, func(c customer) bool { return holds(of(c).Compare(at)) })
			}
		}
	}
	return func(c customer) bool {
		return !slices.ContainsFunc(tests, func(test func(customer) bool) bool { return !test(c) })
	}
}

func customerOrder(sort string) func(a, b customer) int {
	name, falling := strings.CutPrefix(sort, "-")
	of := times[name]
	if of == nil {
		return func(a, b customer) int { return cmp.Compare(a.id, b.id) }
	}
	return func(a, b customer) int {
		order := of(a).Compare(of(b))
		if falling {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.id, b.id))
	}
}

// list returns copies of the customers that fit, in order.
func (s *customers) list(fits func(customer) bool, order func(a, b customer) int) []customer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []customer
	for _, c := range s.byID {
		if fits(*c) {
			found = append(found, *c)
		}
	}
	slices.SortFunc(found, order)
	return found
}
