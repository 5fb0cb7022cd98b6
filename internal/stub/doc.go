// Package stub serves help desks in memory for tests, the demo and load tests. It knows no
// desk: a Server is given APIs, which packages below make. They answer as their vendors'
// documents and recorded answers say; latency, rate limits and failures come from the
// configuration, and every call that arrives is remembered.
//
// An answer depends on the configuration's seed and on what was sent, never on the time or
// on the order in which calls of different users arrive: ids are hashes of identifiers, and
// whether a call fails is a hash of the call and of how many equal calls came before it. So
// two runs of one input can be compared. Moments in answers, and the order of a list of
// tickets, come from the clock. Ids of tickets and their messages grow with time, where the
// vendor's do: the nth is the same in every run, whose it is depends on the order of calls.
//
// A call takes effect when it arrives, and its latency passes between the effect and the
// answer. A client that goes away in between leaves the effect behind, as at a real API.
// Quirks.LateEffects moves the effect behind the latency, and later than the connection.
//
// The stubs know what is documented or was recorded, and nothing more. Where that leaves a
// choice they take the stricter one, so that what works here does not depend on luck; the
// documentation of each API's package lists the guesses. A stub has the endpoints that
// deskstream calls or will call, and keeps everything that it receives until it is reset.
package stub
