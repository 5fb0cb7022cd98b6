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
//   - Webhooks tell what calls do, as what people do: of an assignment who got the ticket. A label that
//     was on already is told again. A new ticket, a merge and fields are not told. Bodies are forms.
//   - The groups of an update of a contact replace those that it has. A contact shows groups and profiles
//     as lists of objects with id and name. It can be in several profiles, and joins one again without complaint.
//   - Profiles are listed in pages without a total, the oldest first. The answer to who joins one is the profile.
//   - A message without a ticket makes a contact that is not there, and is answered with an empty object.
//     WhatsApp takes none outside its window, as in a ticket.
//   - Any positive number is a WhatsApp template. One that goes to a number opens a ticket in the WhatsApp
//     channel with the lowest id. The ticket shows the template's id and values as its text.
//   - A ticket that is assigned, closed or reopened keeps its place in the list.
//   - The tickets of a contact that is deleted stay. updated_at_gt is read in the zone of a ticket's updated_at.
//     Contacts are listed in the order of their ids, which are hashes.
//   - A list may lag (stub.Quirks.ListLag); by its id a ticket is there at once.
//   - Errors with status 422 are a map for contacts and messages, a list for tickets.
package trengo
