// Package trengo sends an event to Trengo, over its API v2
// (https://developers.trengo.com): it finds or creates the contact, updates its name,
// opens the ticket. For an event that a rule matches it does what the rule asks for: Client.Act.
//
// Trengo's search is fuzzy, so of its hits only those count whose address is the
// event's. What a search or a create found is remembered for a while, because each
// call costs budget; an id that Trengo no longer takes is dropped and looked up again
// once. Waiting, repeating and judging of answers is the Doer's business.
package trengo
