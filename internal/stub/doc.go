// Package stub is Trengo and Kustomer as this project needs them: two help desks in
// memory that answer as their vendors' documents say, with latency, rate limits and
// failures as asked for, and that remember every call they received.
//
// What an answer depends on is the configuration's seed and what was sent, never the
// time or the order in which calls of different users arrive: ids are hashes of
// identifiers, and whether a call fails is a hash of the call and of how many equal
// calls came before it. So two runs of one input can be compared.
//
// A call takes effect when it arrives; its latency passes between the effect and the
// answer. A client that goes away in between leaves the effect behind, as it would
// at a real API.
//
// The package is for tests, the demo and load tests. It keeps everything it receives
// until it is reset, and it knows only the endpoints that deskstream calls.
package stub
