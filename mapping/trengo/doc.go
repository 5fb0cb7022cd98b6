// Package trengo says what to tell Trengo about a customer event: to save the contact
// for an identify, to open a ticket for a track that the configuration names.
//
// It is pure. An event is checked completely here, so that one which lacks something
// costs no call. What only Trengo knows, such as whether the contact exists, is
// left to the sender: a Message holds what it needs for either answer.
//
// The rules are those of RudderStack's Trengo destination, with the differences that
// the project's decisions name: nothing is guessed from other fields, names are joined
// from the parts that are there, and subjects are plain text.
package trengo
