// Package kustomer carries out what mapping/kustomer says: the calls of Kustomer's
// API that one event needs, their answers, and which customer they are about.
//
// # Who is updated
//
// A customer is found by the event's lookups in order: e-mail, user id, anonymous id.
// A remembered id stands in for its own lookup only, never for an earlier one, so
// the order decides with a memory as it does without.
//
// An update sets the customer's externalId. A remembered id could therefore hand a
// customer over to someone else: after an anonymous visitor became user u1, the next
// visitor of the same browser has that anonymous id too, and an e-mail address can
// be shared or move on. Without a memory such a lookup would find nobody, or somebody
// else. So it is remembered as well which externalId each customer was last seen or
// written with. A remembered customer answers a lookup by external id only while that
// is its externalId, and a lookup by e-mail only for an event of that very id, which the
// update does not change. Otherwise the lookup is made again.
//
// A remembered customer that is answered 404 or 422 is forgotten, and the event
// starts over once with lookups of its own.
//
// # Lists
//
// Kustomer sets a list whole, so an update that knows one address would take the others
// away. What the customer has is known from a lookup made for this event, or is read. Of
// what a customer was shown and written with, memory has hashes of the entries: enough to see
// that an event brings nothing new, and to leave the list out. What the answer to our own
// write has just shown stands in for a reading too. An update with a merged list carries
// the revision that the customer was shown with, so that nothing is lost by either: of two
// lanes who have seen the same customer the second is answered 409, and reads and merges
// again.
//
// # Conflicts
//
// Any other 409 means that somebody else has an identifier of the event: see resolve.
package kustomer
