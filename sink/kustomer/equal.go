package kustomer

import "github.com/deskstream/deskstream/mapping"

// holds reports whether a lookup's attributes show plainly that every field of the
// customer is there already. Doubt means no: an update too many costs one call, one
// too few a change. company and rev never count as there: the one is shown as a link
// only, and the other asks Kustomer to compare.
func holds(attributes, customer mapping.Value) bool {
	if attributes.Kind() != mapping.Object || customer.Len() == 0 {
		return false
	}
	if customer.Get("company").Exists() || customer.Get("rev").Exists() {
		return false
	}
	return same(attributes, customer)
}

// same reports whether have has all that want has: lists with the same elements in
// the same order, objects with at least the same members, all else to the letter.
func same(have, want mapping.Value) bool {
	if have.Kind() != want.Kind() {
		return false
	}
	switch want.Kind() {
	case mapping.Object:
		for _, m := range want.Members() {
			if !same(have.Get(m.Name), m.Value) {
				return false
			}
		}
		return true
	case mapping.Array:
		if have.Len() != want.Len() {
			return false
		}
		for i := range want.Members() {
			if !same(have.At(i), want.At(i)) {
				return false
			}
		}
		return true
	default:
		return have.Text() == want.Text()
	}
}
