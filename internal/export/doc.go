// Package export copies what help desks know to compacted topics, one for each kind of objects:
// contacts, tickets, users and the rest of the unified model.
//
// A walk reads a list from one end to the other, page by page. What it finds changed is written;
// then its place is, so a walk that ends at any moment goes on where it was. Walks of lists that can
// be asked for changes are of changes only, but for one a day. What two complete walks of all objects
// in a row did not find, and the desk says that it does not have, is deleted from its topic.
//
// The package knows no help desk: desk.List describes the lists, desk.Inbound reads their entries.
package export
