// Package trengo is the stub of Trengo's API, version 2.
//
// Guesses, where nothing is documented:
//
//   - A search finds a phone number from its first sign on as it is stored: a plus and digits.
//   - A phone number with letters, or of zeros only, is refused.
//   - Errors with status 422 are a map for contacts and messages, a list for tickets.
package trengo
