// Package trengo is the stub of Trengo's API, version 2.
//
// Guesses, where nothing is documented:
//
//   - A search finds a phone number from its first sign on as it is stored: a plus and digits.
//   - A phone number with letters, or of zeros only, is refused.
//   - Ids of tickets and messages grow with time over the account, with gaps. That they grow
//     is the vendor's; how is not documented.
//   - Any positive number is a user or a team that a ticket can be assigned to, listed or not. One of a team
//     has no user and is OPEN; a closed one stays closed.
//   - The lists of teams, users, custom fields and ticket results say how many pages there are; the
//     one of labels has links only, the one of channels one page.
//   - A label that a ticket has already, or has not, is put on and taken off without complaint.
//   - The answers to labels and fields of a ticket are empty objects, those to fields of a contact
//     the contact. Notes of a contact come with include=notes as a list notes.
//   - A ticket that is assigned, closed or reopened keeps its place in the list.
//   - A list may lag (stub.Quirks.ListLag); by its id a ticket is there at once.
//   - Errors with status 422 are a map for contacts and messages, a list for tickets.
package trengo
