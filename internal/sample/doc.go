// Package sample generates the customer events of a web shop, as RudderStack's Kafka
// destination writes them: visitors who browse, sign in, order and ask for help, in
// all event types, with the odd and broken events that every real topic has.
//
// One seed gives the same bytes on every run: times count from a fixed moment, and
// nothing is taken from the clock or the machine. Every event that a help desk takes
// carries a mark, see FindMark, in a property or trait named eventNo; people,
// companies and addresses are invented.
package sample
