// Package stub is Trengo and Kustomer as this project needs them: two help desks in
// memory that answer as their vendors' documents and recorded answers say, with latency,
// rate limits and failures as asked for, and that remember every call they received.
//
// What an answer depends on is the configuration's seed and what was sent, never the
// time or the order in which calls of different users arrive: ids are hashes of
// identifiers, and whether a call fails is a hash of the call and of how many equal
// calls came before it. So two runs of one input can be compared. Moments in answers,
// and the order of a list of tickets, are of the clock.
//
// A call takes effect when it arrives; its latency passes between the effect and the
// answer. A client that goes away in between leaves the effect behind, as it would
// at a real API.
//
// # What is known and what is a guess
//
// The stubs know what is documented or was recorded, and nothing more. Where that
// leaves a choice, the stricter one was taken, so that what works here does not depend on luck:
//
//   - Kustomer's checks of e-mail addresses and phone numbers are not public. Here an
//     address has something on both sides of one at sign, and a number has 3 to 30
//     digits, blanks, brackets, dots, dashes and slashes, a plus in front, and no letter.
//   - Kustomer's limit for a body is 100,000 bytes: kB may mean 1,024.
//   - A value that another customer has is refused with 409 on every write. The vendor names no
//     status for it. externalId and externalIds share their values, phones and
//     whatsapps do not.
//   - Lists of a customer's update replace those that there are, which the vendor says of
//     conversations only, and an update without company unlinks the company.
//   - Names of an event's properties may be of one letter: the mapping sends them so.
//     The vendor's text of 2021 asks for three.
//   - Kustomer's relations (custom attributes that end in Id) and companies are taken as
//     set up, whatever their id or name. Attributes that end in Tree are refused: their
//     form was seen nowhere.
//   - Trengo finds a phone number from its first sign on as it is stored: a plus and digits.
//   - Trengo refuses a phone number with letters, or of zeros only.
//   - Trengo's errors with 422 are a map for contacts and messages, a list for tickets.
//
// The package is for tests, the demo and load tests. It keeps everything it receives
// until it is reset, and it knows only the endpoints that deskstream calls or will call.
package stub
