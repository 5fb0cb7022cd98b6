// Package inbound reads what Trengo sends by webhook, and the entries of its lists, as unified
// events and objects.
//
// Bodies of webhooks are flat and do not name their event: the address does (vendor
// documentation, webhooks). Both encodings that were seen are read, forms and JSON. Moments of
// lists come in two forms; what the one without a zone means depends on the field: see zones.go.
package inbound
