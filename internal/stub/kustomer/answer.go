package kustomer

import (
	"fmt"
	"maps"

	"github.com/deskstream/deskstream/internal/stub"
)

// kustomerTime is how Kustomer writes moments.
const kustomerTime = "2006-01-02T15:04:05.000Z"

// objectID is a 24-digit hexadecimal id, a hash of its parts.
func objectID(parts ...string) string {
	h := stub.Hash(parts...)
	return fmt.Sprintf("%016x%08x", h, uint32(stub.Mix(h)))
}

// envelope is the customer as answers show it: with more members than a body may have,
// and with the company as a relationship.
func (c customer) envelope() map[string]any {
	self := "/v1/customers/" + c.id
	related := map[string]any{"org": relationship("org", objectID("org"))}
	if company := stub.ScalarText(c.attributes["company"]); company != "" {
		related["company"] = relationship("company", company)
	}
	return map[string]any{"data": map[string]any{
		"type": "customer", "id": c.id, "attributes": c.shown(),
		"relationships": related, "links": map[string]any{"self": self},
	}}
}

func relationship(kind, id string) map[string]any {
	return map[string]any{"data": map[string]any{"type": kind, "id": id}}
}

// shown are the attributes with those that Kustomer adds.
func (c customer) shown() map[string]any {
	shown := map[string]any{
		"emails": []any{}, "phones": []any{}, "tags": []any{},
		"activeUsers": []any{}, "watchers": []any{}, "verified": false,
	}
	maps.Copy(shown, c.attributes)
	delete(shown, "company")
	updated := c.updatedAt.Format(kustomerTime)
	maps.Copy(shown, map[string]any{
		"displayName": c.attributes["name"], "rev": c.rev,
		"createdAt": c.createdAt.Format(kustomerTime), "updatedAt": updated, "modifiedAt": updated,
	})
	for _, list := range uniqueLists {
		if entries, ok := shown[list.name].([]any); ok {
			shown[list.name] = shownEntries(entries)
		}
	}
	return shown
}

// shownEntries are the entries of a list with the members that answers add to them.
func shownEntries(entries []any) []any {
	all := make([]any, len(entries))
	for i, e := range entries {
		shown := map[string]any{"verified": false, "id": nil}
		entry, _ := e.(map[string]any)
		maps.Copy(shown, entry)
		all[i] = shown
	}
	return all
}
