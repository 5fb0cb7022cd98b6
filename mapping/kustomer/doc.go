// Package kustomer says what to tell Kustomer about an event.
//
// identify becomes an Upsert of a customer: the lookups that may find it, in order,
// and the customer's fields. track, page and screen become a Track: one event on
// the customer's timeline. Other types are skipped.
//
// Kustomer refuses a whole body for one member that its schema does not allow. So a
// value that does not fit its field is coerced or left out, and a warning names it;
// only what decides who the customer is makes the event invalid.
//
// Field names and limits are those of Kustomer's OpenAPI document of May 2025
// (customers, tracking/identityEvent); which trait goes into which field follows
// RudderStack's Kustomer destination, so that its users can move here.
package kustomer
