// Package inbound reads what Kustomer sends by webhook, and the objects of its lists, as unified
// events and objects.
//
// A webhook's body names its event and holds the whole object, as the API shows it; that of an
// update says what changed, with the values before and after (vendor documentation, event
// catalog). Objects have their members in attributes, and other objects in relationships.
package inbound
