// Package unified is one model for what all help desks know: contacts, tickets, comments and
// the rest, and the events that tell of them.
//
// A field has one meaning and one type, whatever desk it comes from. Times are RFC 3339 in UTC,
// ids are text. A word that a desk uses and the model does not know is "unknown", with the desk's
// own word beside it. What the desk sent stays in Raw, so nothing is lost that has no field.
//
// The package is pure: it makes no calls and asks no clock. What fills the fields is in
// mapping/trengo/inbound and mapping/kustomer/inbound. Its JSON and Avro schemas are in
// deploy/schemas/unified, made from the types here, and docs/unified-model.md lists where each
// desk has each field.
package unified
