// Package kustomer is the stub of Kustomer's API, version 1.
//
// Guesses, where nothing is documented:
//
//   - The checks of e-mail addresses and phone numbers are not public. Here an address has
//     something on both sides of one at sign, and a number has 3 to 30 digits, blanks,
//     brackets, dots, dashes and slashes, a plus before the first, and no letter.
//   - The limit for a body is 100,000 bytes: kB may mean 1,024.
//   - A value that another customer has is refused with 409 on every write. The vendor names
//     no status for it. externalId and externalIds share their values, phones and whatsapps
//     do not.
//   - Lists in an update of a customer replace the earlier ones, which the vendor says of
//     conversations only, and an update without company unlinks the company.
//   - Names of an event's properties may have one letter: the mapping sends such names. The
//     vendor's text of 2021 asks for three.
//   - Relations (custom attributes that end in Id) and companies count as set up, whatever
//     their id or name. Attributes that end in Tree are refused: no example of them was seen.
package kustomer
