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
//   - An update of a conversation, a company or an object sets custom attributes one by one, and
//     all else whole. A stale rev is refused.
//   - The externalId of conversations, messages and objects is unique, as the vendor says; a second
//     one is refused with 409. That of notes and companies is not.
//   - Tags of a conversation are shown as ids. A create and an update take ids only, since names are
//     promised for the endpoints of tags alone. These find names in any case. To take tags off is
//     answered without a body.
//   - Lists come in the order of ids, which are hashes, and without meta. The filter of companies
//     finds names that have its text.
//   - Customers are filtered by createdAt and updatedAt with gt, gte, lt and lte, though the vendor shows gte of the
//     one and lt of the other only. Those of one moment come in the order of ids.
//   - Teams, users, queues and klasses are fixed. Of a snooze nothing is kept but what was sent.
//   - Webhooks: an event of a conversation that is a change of tags is an update. An event has the
//     members that were seen; a PUT of a registration replaces it. After the last repeat that fails the
//     registration is switched off. Calls that create tags or customers by the way send nothing.
//   - The limit for updates of one object is not known, so there is none.
//   - Relations (custom attributes that end in Id) and companies count as set up, whatever
//     their id or name. Attributes that end in Tree are refused: no example of them was seen.
package kustomer
